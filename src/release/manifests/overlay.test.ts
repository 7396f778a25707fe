// SPDX-License-Identifier: Apache-2.0
import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { digestOf } from '#core';
import { INSTALL_DEFAULTS, installOverlay, optionFaults, type OverlayRequest, patchFlags } from '#release';
import type { PatchOperation } from './flags.ts';

const COMPONENTS = ['source-controller', 'kustomize-controller', 'notification-controller', 'source-watcher'];
const EVENTS = '--events-addr=http://notification-controller.flux-system.svc.cluster.local./';
const COMMON = ['--watch-all-namespaces', '--log-level=info', '--log-encoding=json', '--enable-leader-election'];
const STORAGE = ['--storage-path=/data', '--storage-adv-addr=x.$(RUNTIME_NAMESPACE).svc.cluster.local.'];
const RBAC = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: flux-system-of-another-kind
---
kind: ClusterRoleBinding
metadata:
  name: crd-controller
subjects:
- kind: ServiceAccount
  name: kustomize-controller
  namespace: flux-system
- kind: ServiceAccount
  name: other
  namespace: elsewhere
`;

function requestOf(change: Partial<OverlayRequest['options']> = {}, remoteBases = false): OverlayRequest {
  const pin = (name: string) => ({
    name: `registry.example.com/flux/distroless/${name}`,
    tag: 'v1',
    digest: digestOf(name),
  });
  return {
    release: '2.9.2',
    options: { ...INSTALL_DEFAULTS, components: COMPONENTS, ...change },
    limits: { remoteBases },
    pins: Object.fromEntries(COMPONENTS.map((name) => [name, pin(name)])),
    args: {
      'source-controller': [EVENTS, ...COMMON, ...STORAGE],
      'kustomize-controller': [EVENTS, ...COMMON],
      'notification-controller': COMMON,
      'source-watcher': [EVENTS, ...COMMON, ...STORAGE],
    },
    rbac: RBAC,
  };
}

/** Reads the files of an overlay; a file that is missing is undefined. */
function filesOf(request: OverlayRequest) {
  const overlay = installOverlay(request);
  if ('faults' in overlay) throw new Error(overlay.faults.join());
  return overlay.files;
}

/** What a controller is started with once the overlay's patches are applied, by the rules of RFC 6902. */
function startedWith(component: string, request: OverlayRequest): readonly string[] {
  const { patches } = parse(filesOf(request)['kustomization.yaml'] ?? '') as {
    patches: { target: { name?: string }; patch?: string }[];
  };
  const own = patches.filter(({ target }) => target.name === component);
  return own.reduce(
    (args, { patch }) => applied(args, JSON.parse(patch ?? '[]') as PatchOperation[]),
    request.args[component] ?? [],
  );
}

function applied(args: readonly string[], operations: readonly PatchOperation[]): readonly string[] {
  return operations.reduce((list, { op, path, value }) => {
    const at = path.split('/').at(-1) ?? '';
    if (op === 'add') return [...list, String(value)];
    if (op === 'test') {
      expect(list[Number(at)]).toBe(value);
      return list;
    }
    return list.with(Number(at), String(value));
  }, args);
}

describe('an install overlay', () => {
  it("sets each controller's flags as flux2's generator does, and the channel's limits", () => {
    const request = requestOf({ logLevel: 'debug', clusterDomain: 'cluster.internal', watchAllNamespaces: false });
    const events = '--events-addr=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.internal./';
    const common = [
      '--watch-all-namespaces=false',
      '--log-level=debug',
      '--log-encoding=json',
      '--enable-leader-election',
    ];
    expect(startedWith('source-controller', request)).toEqual([
      events,
      ...common,
      '--storage-path=/data',
      '--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc.cluster.internal.',
    ]);
    expect(startedWith('kustomize-controller', request)).toEqual([
      events,
      ...common,
      '--feature-gates=ExternalArtifact=true',
      '--no-remote-bases=true',
    ]);
    expect(startedWith('notification-controller', request)).toEqual(common);
  });

  it('lets remote bases be where images have git, and feature gates where source-watcher is not', () => {
    const components = COMPONENTS.filter((name) => name !== 'source-watcher');
    expect(startedWith('kustomize-controller', requestOf({ components }, true)).slice(4)).toEqual([
      '--enable-leader-election',
    ]);
  });

  it('sends events nowhere where nothing takes them', () => {
    const request = requestOf({ components: ['kustomize-controller'] });
    expect(startedWith('kustomize-controller', request)[0]).toBe('--events-addr=');
  });

  it('never overwrites another argument, wherever a flag stands', () => {
    const argument = constantFrom<string[]>(
      '--a',
      '--b=1',
      '--log-level=info',
      '--log-levels=x',
      'plain',
      '--log-level',
    );
    assert(
      property(array(argument), (args) => {
        const patch = patchFlags(args, { '--log-level': 'debug' }, { '--last': 'yes' });
        const at = args.findIndex((one) => one === '--log-level' || one.startsWith('--log-level='));
        if (at === -1) expect(patch).toEqual({ missing: ['--log-level'] });
        else if ('operations' in patch)
          expect(applied(args, patch.operations)).toEqual([...args.with(at, '--log-level=debug'), '--last=yes']);
      }),
    );
  });

  it('is refused where a manifest has lost a flag, naming each', () => {
    const request = { ...requestOf(), args: { ...requestOf().args, 'kustomize-controller': COMMON.slice(2) } };
    expect(installOverlay(request)).toEqual({
      faults: ['--events-addr', '--watch-all-namespaces', '--log-level'].map(
        (flag) => `kustomize-controller has no argument ${flag}`,
      ),
    });
  });

  it('pins every image by tag and digest, and enforces restricted pods', () => {
    const files = filesOf(requestOf());
    const { images, resources } = parse(files['kustomization.yaml'] ?? '') as Record<string, unknown>;
    expect(images).toEqual(
      COMPONENTS.map((name) => ({
        name: `fluxcd/${name}`,
        newName: `registry.example.com/flux/distroless/${name}`,
        newTag: 'v1',
        digest: digestOf(name),
      })),
    );
    expect(resources).toEqual([
      'namespace.yaml',
      'policies.yaml',
      'roles',
      ...COMPONENTS.map((name) => `${name}.yaml`),
    ]);
    expect(parse(files['namespace.yaml'] ?? '')).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
  });

  it('moves service accounts to another namespace, and nothing else that has its name', () => {
    const files = filesOf(
      requestOf({ namespace: 'flux', networkPolicy: false, pullSecret: 's', tolerationKeys: ['a/b'] }),
    );
    expect(files['roles/rbac.yaml']).toContain('name: flux-system-of-another-kind');
    expect(files['roles/rbac.yaml']).toContain('namespace: flux\n');
    expect(files['roles/rbac.yaml']).toContain('namespace: elsewhere\n');
    expect(files['roles/rbac.yaml']).not.toContain('namespace: flux-system');
    expect(filesOf(requestOf())['roles/rbac.yaml']).toBe(RBAC);
    expect(files['kustomization.yaml']).not.toContain('policies.yaml');
    expect(parse(files['pods.yaml'] ?? '')).toMatchObject({
      spec: {
        template: {
          spec: { imagePullSecrets: [{ name: 's' }], tolerations: [{ key: 'a/b', operator: 'Exists' }] },
        },
      },
    });
  });
});

describe('install options', () => {
  it('are taken where Kubernetes takes them', () => {
    const options = { ...INSTALL_DEFAULTS, components: COMPONENTS, pullSecret: 'a.b', tolerationKeys: ['x.io/Y_z'] };
    expect(optionFaults(options, COMPONENTS)).toEqual([]);
  });

  it('are refused with every fault at once', () => {
    const faults = optionFaults(
      {
        ...INSTALL_DEFAULTS,
        namespace: 'Flux\nSystem',
        components: ['source-controller', 'source-controller', 'nope'],
        logLevel: 'trace' as 'info',
        clusterDomain: '..',
        pullSecret: '"; rm',
        tolerationKeys: ['a b'],
      },
      COMPONENTS,
    );
    expect(faults).toHaveLength(7);
    expect(optionFaults({ ...INSTALL_DEFAULTS, components: [] }, COMPONENTS)).toEqual(['no component is named']);
  });
});
