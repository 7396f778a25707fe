// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { digestOf } from '#core';
import type { LockedBase } from '#definition';
import {
  channelLimits,
  fluxArtifact,
  formatPins,
  INSTALL_DEFAULTS,
  installFaults,
  installHeader,
  installPath,
  type KubernetesObject,
  localiseKustomization,
  operatorFiles,
  operatorVariant,
  readObjects,
  restrictedFaults,
  sourceRevision,
} from '#release';

const URL = 'https://github.com/fluxcd/source-controller/releases/download/v1.9.3/source-controller';

type PodSpec = Parameters<typeof restrictedFaults>[0];

describe('localising a kustomization of flux2', () => {
  const versions = { 'source-controller': 'v1.9.3' };
  const localise = (resource: string) =>
    localiseKustomization(`resources:\n- ${resource}\n- account.yaml\npatches: []\n`, versions, '../../components');

  it("puts the folders of the component's config in the place of its release files", () => {
    const made = localise(`${URL}.crds.yaml\n- ${URL}.deployment.yaml`);
    expect('text' in made && parse(made.text)).toEqual({
      resources: [
        '../../components/source-controller/crd',
        '../../components/source-controller/manager',
        'account.yaml',
      ],
      patches: [],
    });
  });

  it.each([
    [
      'another version',
      URL.replace('v1.9.3', 'v1.9.4').concat('.crds.yaml'),
      /names source-controller v1\.9\.4, and v1\.9\.3/,
    ],
    ['a component that is not built', URL.replaceAll('source', 'sauce').concat('.crds.yaml'), /and none is built/],
    ['another file of the release', `${URL}.sbom.yaml`, /no file of a controller's release/],
    ['another place', 'https://example.com/x.yaml', /example\.com/],
    ['a repository without scheme', 'github.com/fluxcd/flux2//manifests?ref=main', /github\.com/],
    ['a repository over SSH', 'git@example.com:flux.git', /git@/],
  ])('refuses %s', (_what, resource, fault) => {
    expect(localise(resource)).toEqual({ fault: expect.stringMatching(fault) });
  });

  it.each(['[]', 'null', 'resources: 1', 'resources: [1]'])('refuses %s, which is no kustomization', (text) => {
    expect(localiseKustomization(text, {}, '.')).toHaveProperty('fault');
  });
});

const POD = {
  securityContext: { fsGroup: 1337 } as PodSpec['securityContext'] & {},
  containers: [
    {
      name: 'manager',
      image: 'registry.example.com/flux/distroless/source-controller:v1@sha256:0',
      args: ['--no-remote-bases=true'],
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
  ],
  volumes: [{ name: 'data', emptyDir: {} }],
};

describe('the standard "restricted"', () => {
  const [container] = POD.containers;
  const own = container?.securityContext;
  const withOwn = (change: object) => ({
    ...POD,
    containers: [{ ...container, securityContext: { ...own, ...change } }],
  });

  it("is met by the controllers' pods", () => expect(restrictedFaults(POD)).toEqual([]));

  it.each<[string, object, RegExp]>([
    ['no container', { containers: [] }, /no container/],
    ['the network of its host', { ...POD, hostNetwork: true }, /hostNetwork/],
    ['a folder of its host', { ...POD, volumes: [{ name: 'x', hostPath: { path: '/' } }] }, /hostPath/],
    ['root', withOwn({ runAsUser: 0 }), /runs as root/],
    ['perhaps root', withOwn({ runAsNonRoot: undefined }), /runAsNonRoot/],
    ['privileges', withOwn({ privileged: true }), /privileged/],
    ['escalation', withOwn({ allowPrivilegeEscalation: undefined }), /allowPrivilegeEscalation/],
    ['some capabilities kept', withOwn({ capabilities: { drop: ['NET_RAW'] } }), /ALL/],
    ['a capability added', withOwn({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }), /SYS_ADMIN/],
    ['no seccomp profile', withOwn({ seccompProfile: undefined }), /seccomp/],
    ['an open seccomp profile', withOwn({ seccompProfile: { type: 'Unconfined' } }), /seccomp/],
    ['a port of its host', { ...POD, containers: [{ ...container, ports: [{ hostPort: 80 }] }] }, /port/],
    ['an open /proc', withOwn({ procMount: 'Unmasked' }), /procMount/],
    ['another SELinux type', withOwn({ seLinuxOptions: { type: 'spc_t' } }), /spc_t/],
    ['sysctls', { ...POD, securityContext: { sysctls: [{ name: 'x' }] } }, /sysctls/],
    ['an init container of its own will', { ...POD, initContainers: [{ name: 'i', image: 'x' }] }, /container i/],
  ])('is broken by %s', (_what, pod, fault) => {
    expect(restrictedFaults(pod as PodSpec).join('; ')).toMatch(fault);
  });

  it('takes a seccomp profile and runAsNonRoot from the pod', () => {
    const pod = {
      ...withOwn({ seccompProfile: undefined, runAsNonRoot: undefined }),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost' } },
    };
    expect(restrictedFaults(pod as PodSpec)).toEqual([]);
  });
});

describe('an install manifest', () => {
  const digest = digestOf('x');
  const name = 'registry.example.com/flux/distroless/kustomize-controller';
  const request = {
    options: { ...INSTALL_DEFAULTS, components: ['kustomize-controller'] },
    limits: { remoteBases: false },
    pins: { 'kustomize-controller': { name, tag: 'v1', digest } },
    release: '2.9.2',
    args: {},
    rbac: '',
  };
  const manager = { ...POD.containers[0], image: `${name}:v1@${digest}` };
  const deployment = (containers: readonly object[] = [manager]): KubernetesObject =>
    ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'kustomize-controller' },
      spec: { template: { spec: { ...POD, containers } } },
    }) as unknown as KubernetesObject;
  const namespace = {
    kind: 'Namespace',
    metadata: { name: 'flux-system', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
  const textOf = (...objects: readonly object[]) => objects.map((one) => `---\n${JSON.stringify(one)}\n`).join('');

  it('is what was asked for when all its objects are', () => {
    expect(installFaults(textOf(namespace, { kind: 'NetworkPolicy', metadata: {} }, deployment()), request)).toEqual(
      [],
    );
  });

  it.each<[string, readonly object[], RegExp]>([
    ['a component is missing', [], /kustomize-controller once/],
    ['a component is there twice', [deployment(), deployment()], /kustomize-controller once/],
    ['an image has no digest', [deployment([{ ...manager, image: `${name}:v1` }])], /runs registry\.example/],
    ['another image is run beside it', [deployment([manager, { ...manager, image: 'x' }])], /runs x/],
    ['a pod has privileges', [deployment([{ ...manager, securityContext: {} }])], /kustomize-controller: container/],
    ['remote bases are let in', [deployment([{ ...manager, args: [] }])], /no git/],
  ])('is refused when %s', (_what, objects, fault) => {
    const faults = installFaults(textOf(namespace, { kind: 'NetworkPolicy', metadata: {} }, ...objects), request);
    expect(faults.join('; ')).toMatch(fault);
  });

  it('is refused when the namespace is not restricted, or a network policy is missing or too much', () => {
    const faults = installFaults(textOf({ ...namespace, metadata: { name: 'flux-system' } }, deployment()), request);
    expect(faults).toHaveLength(2);
    const without = { ...request, options: { ...request.options, networkPolicy: false } };
    const policy = { kind: 'NetworkPolicy', metadata: {} };
    expect(installFaults(textOf(namespace, policy, deployment()), without)).toEqual(['it holds a network policy']);
  });

  it('says at its head which Flux, which components, which revision', () => {
    const title = { release: '2.9.2', revision: '2.9.2-r1', channel: 'fips', components: ['a', 'b'] };
    expect(installHeader(title)).toBe(
      '---\n# This manifest was generated by oakum. DO NOT EDIT.\n# Flux Version: v2.9.2\n# Components: a,b\n# Revision: 2.9.2-r1\n# Channel: fips\n',
    );
    expect(installPath('2.9.2', 'fips')).toBe('manifests/v2.9.2/install-fips.yaml');
  });

  it('is read without its CustomResourceDefinitions', () => {
    const crd = '---\nkind: CustomResourceDefinition\nmetadata:\n  name: x\n';
    expect(readObjects(`# head\n${crd}---\nkind: Service\nmetadata:\n  name: y\n`)).toEqual([
      { kind: 'Service', metadata: { name: 'y' } },
    ]);
  });
});

describe('a channel', () => {
  const base = (...lists: readonly string[][]) =>
    ({
      packages: Object.fromEntries(
        lists.map((names, at) => [at === 0 ? 'linux/amd64' : 'linux/arm64', names.map((name) => ({ name }))]),
      ),
    }) as unknown as LockedBase;

  it('can fetch remote bases where every platform has git, and packages bring their programs', () => {
    const full = { hasPrograms: true };
    expect(channelLimits(base(['git'], ['git', 'tzdata']), full)).toEqual({ remoteBases: true });
    expect(channelLimits(base(['git'], ['tzdata']), full)).toEqual({ remoteBases: false });
    expect(channelLimits(base(), full)).toEqual({ remoteBases: false });
    expect(channelLimits(base(['git'], ['git']), { hasPrograms: false })).toEqual({ remoteBases: false });
  });

  it('has one of the names that the Flux Operator knows', () => {
    const [with_, without] = [{ remoteBases: true }, { remoteBases: false }];
    expect(operatorVariant('distroless', without)).toBe('enterprise-distroless');
    expect(operatorVariant('distroless-fips', without)).toBe('enterprise-distroless-fips');
    expect(operatorVariant('fips', without)).toBe('enterprise-distroless-fips');
    expect(operatorVariant('debug', with_)).toBe('enterprise-alpine');
  });
});

describe('an artifact', () => {
  it('has the media types and annotations that Flux reads', () => {
    const layer = { mediaType: 'x', digest: digestOf('gz'), size: 7, diffId: digestOf('tar') };
    const { manifest, config } = fluxArtifact(layer, {
      created: new Date('2026-07-01T00:00:00.500Z'),
      source: 'https://github.com/fluxcd/flux2',
      revision: sourceRevision('v2.9.2', 'a'.repeat(40)),
      description: 'Flux',
    });
    expect(JSON.parse(manifest.bytes.toString())).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: config.descriptor,
      layers: [{ mediaType: 'application/vnd.cncf.flux.content.v1.tar+gzip', digest: layer.digest, size: 7 }],
      annotations: {
        'org.opencontainers.image.created': '2026-07-01T00:00:00Z',
        'org.opencontainers.image.description': 'Flux',
        'org.opencontainers.image.revision': `v2.9.2@sha1:${'a'.repeat(40)}`,
        'org.opencontainers.image.source': 'https://github.com/fluxcd/flux2',
      },
    });
    expect(config.descriptor.mediaType).toBe('application/vnd.cncf.flux.config.v1+json');
    expect(JSON.parse(config.bytes.toString()).rootfs).toEqual({ type: 'layers', diff_ids: [layer.diffId] });
    expect(sourceRevision('v2.9.2', undefined)).toBe('v2.9.2');
  });

  it('of the Flux Operator has its folders', () => {
    const pins = [{ name: 'r/source-controller', tag: 'v1', digest: digestOf('x') }];
    const content = {
      release: '2.9.2',
      variant: 'enterprise-distroless',
      pins,
      manifests: { 'rbac.yaml': 'R' },
    } as const;
    expect(operatorFiles({ ...content, vex: '{}' })).toEqual({
      'flux/v2.9.2/rbac.yaml': 'R',
      'flux-images/VERSION': 'v2.9.2\n',
      'flux-images/v2.9.2/enterprise-distroless.yaml': formatPins(pins),
      'flux-vex/v2.9.json': '{}',
    });
    expect(Object.keys(operatorFiles(content))).toHaveLength(3);
  });
});
