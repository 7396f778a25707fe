// SPDX-License-Identifier: Apache-2.0
import { parseAllDocuments, stringify } from 'yaml';
import type { Pin } from '../pins.ts';
import { patchFlags } from './flags.ts';
import type { ChannelLimits } from './limits.ts';
import { INSTALL_DEFAULTS, type InstallOptions } from './options.ts';

/** What an install manifest is made from, beside the built manifests of flux2. */
export interface OverlayRequest {
  /** `2.9.2`. */
  readonly release: string;
  readonly options: InstallOptions;
  readonly limits: ChannelLimits;
  /** The image of each component. */
  readonly pins: Readonly<Record<string, Pin>>;
  /** Each component's arguments, as its manifest has them. */
  readonly args: Readonly<Record<string, readonly string[]>>;
  /** The text of flux2's built `rbac.yaml`. */
  readonly rbac: string;
}

/** The files of a kustomization, by path, or why there are none. */
export type Overlay = { readonly files: Readonly<Record<string, string>> } | { readonly faults: readonly string[] };

/** Where the manifest of a component's Deployment says who it is. */
const NOTIFICATION = 'notification-controller';
/** These serve artifacts, and say under which name. */
const STORAGE = ['source-controller', 'source-watcher'];
/** These can read ExternalArtifacts, which source-watcher makes. */
const APPLIERS = ['kustomize-controller', 'helm-controller'];

/**
 * Gives the kustomization that turns flux2's built manifests (`<component>.yaml`, `policies.yaml` beside it) into an install
 * manifest. It does what flux2's generator does (pkg/manifestgen/install/templates.go, the text of its templates is data here), and
 * besides: images by digest, Pod Security `restricted` enforced, and the limits of a channel. Faults where a manifest lacks a flag.
 */
export function installOverlay(request: OverlayRequest): Overlay {
  const { options } = request;
  const { namespace } = options;
  const patches = options.components.map((component) => ({ component, ...flagsOf(component, request) }));
  const faults = patches.flatMap((patch) =>
    'missing' in patch ? patch.missing.map((flag) => `${patch.component} has no argument ${flag}`) : [],
  );
  if (faults.length > 0) return { faults };
  const kustomization = {
    ...head(namespace),
    transformers: ['labels.yaml'],
    resources: [
      'namespace.yaml',
      ...(options.networkPolicy ? ['policies.yaml'] : []),
      'roles',
      ...options.components.map((component) => `${component}.yaml`),
    ],
    patches: [
      { path: 'pods.yaml', target: { kind: 'Deployment' } },
      ...patches.flatMap((patch) =>
        'missing' in patch ? [] : [{ target: target(patch.component), patch: JSON.stringify(patch.operations) }],
      ),
    ],
    images: options.components.map((component) => imageOf(component, request)),
  };
  const files = {
    'kustomization.yaml': kustomization,
    'namespace.yaml': namespaceOf(namespace),
    'labels.yaml': labelsOf(request),
    'pods.yaml': podsOf(options),
    'roles/kustomization.yaml': { ...head(namespace), resources: ['rbac.yaml'], nameSuffix: `-${namespace}` },
  };
  const texts = Object.entries(files).map(([path, value]) => [path, stringify(value, { lineWidth: 0 })]);
  return { files: { ...Object.fromEntries(texts), 'roles/rbac.yaml': rbacIn(namespace, request.rbac) } };
}

function head(namespace: string) {
  // In the order of the resources, as flux2's generator leaves them; the kustomize program alone would sort them.
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace,
    sortOptions: { order: 'fifo' },
  };
}

function target(component: string) {
  return { group: 'apps', version: 'v1', kind: 'Deployment', name: component };
}

function imageOf(component: string, { pins }: OverlayRequest) {
  const { name, tag, digest } = pins[component] as Pin;
  return { name: `fluxcd/${component}`, newName: name, newTag: tag, digest };
}

function flagsOf(component: string, { args, options, limits }: OverlayRequest): ReturnType<typeof patchFlags> {
  const { clusterDomain, components, logLevel, watchAllNamespaces } = options;
  // The full name of the service, since proxies are often told to leave out `.local` (flux2 pkg/manifestgen/install/manifests.go).
  const events = components.includes(NOTIFICATION)
    ? `http://${NOTIFICATION}.$(RUNTIME_NAMESPACE).svc.${clusterDomain}./`
    : '';
  return patchFlags(
    args[component] ?? [],
    {
      ...(component === NOTIFICATION ? {} : { '--events-addr': events }),
      '--watch-all-namespaces': String(watchAllNamespaces),
      '--log-level': logLevel,
      ...(STORAGE.includes(component)
        ? { '--storage-adv-addr': `${component}.$(RUNTIME_NAMESPACE).svc.${clusterDomain}.` }
        : {}),
    },
    {
      ...(APPLIERS.includes(component) && components.includes('source-watcher')
        ? { '--feature-gates': 'ExternalArtifact=true' }
        : {}),
      ...limitingFlags(component, limits),
    },
  );
}

/** Gives the flags that keep a controller from trying what its image can't do. */
export function limitingFlags(component: string, { remoteBases }: ChannelLimits): Readonly<Record<string, string>> {
  return component === 'kustomize-controller' && !remoteBases ? { '--no-remote-bases': 'true' } : {};
}

function namespaceOf(name: string) {
  const standard = (mode: string) => ({
    [`pod-security.kubernetes.io/${mode}`]: 'restricted',
    [`pod-security.kubernetes.io/${mode}-version`]: 'latest',
  });
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { ...standard('enforce'), ...standard('warn') } },
  };
}

function labelsOf({ options, release }: OverlayRequest) {
  return {
    apiVersion: 'builtin',
    kind: 'LabelTransformer',
    metadata: { name: 'labels' },
    labels: {
      'app.kubernetes.io/instance': options.namespace,
      'app.kubernetes.io/version': `v${release}`,
      'app.kubernetes.io/part-of': 'flux',
    },
    fieldSpecs: [
      { path: 'metadata/labels', create: true },
      { kind: 'Deployment', path: 'spec/template/metadata/labels', create: true },
    ],
  };
}

function podsOf({ pullSecret, tolerationKeys }: InstallOptions) {
  const spec = {
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
    ...(tolerationKeys.length === 0 ? {} : { tolerations: tolerationKeys.map((key) => ({ key, operator: 'Exists' })) }),
  };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'all' }, spec: { template: { spec } } };
}

/** Kustomize leaves the namespace of a subject alone whose ServiceAccount it does not see in the same folder. */
function rbacIn(namespace: string, rbac: string): string {
  if (namespace === INSTALL_DEFAULTS.namespace) return rbac;
  const objects = parseAllDocuments(rbac).map((document) => document.toJS() as { subjects?: Subject[] });
  return objects.map((object) => stringify(movedTo(namespace, object), { lineWidth: 0 })).join('---\n');
}

interface Subject {
  readonly namespace?: string;
}

function movedTo(namespace: string, object: { readonly subjects?: readonly Subject[] }) {
  if (object.subjects === undefined) return object;
  const moved = object.subjects.map((subject) =>
    subject.namespace === INSTALL_DEFAULTS.namespace ? { ...subject, namespace } : subject,
  );
  return { ...object, subjects: moved };
}
