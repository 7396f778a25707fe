// SPDX-License-Identifier: Apache-2.0
import type { ApiKind } from './crds.ts';

const [SOURCE, KUSTOMIZE, HELM, NOTIFICATION, IMAGE] = ['source', 'kustomize', 'helm', 'notification', 'image'].map(
  (name) => `${name}.toolkit.fluxcd.io`,
) as [string, string, string, string, string];

/**
 * What the CustomResourceDefinitions of lines serve, read from upstream's install manifests of each line's first and last release, which
 * agree: the sources of older lines can't be had any more, and who asks need not have those of the newest. Kinds, group, and for each
 * line the versions: `*` is stored, `-` deprecated.
 */
const RECORD: readonly (readonly [kinds: string, group: string, lines: Readonly<Record<string, string>>])[] = [
  [
    'GitRepository HelmRepository HelmChart Bucket',
    SOURCE,
    { '2.6': 'v1* v1beta2- v1beta1-', '2.7': 'v1* v1beta2-', '2.8': 'v1*', '2.9': 'v1*' },
  ],
  ['OCIRepository', SOURCE, { '2.6': 'v1* v1beta2-', '2.7': 'v1* v1beta2-', '2.8': 'v1*', '2.9': 'v1*' }],
  ['ExternalArtifact', SOURCE, { '2.7': 'v1*', '2.8': 'v1*', '2.9': 'v1*' }],
  ['Kustomization', KUSTOMIZE, { '2.6': 'v1* v1beta2- v1beta1-', '2.7': 'v1* v1beta2-', '2.8': 'v1*', '2.9': 'v1*' }],
  ['HelmRelease', HELM, { '2.6': 'v2* v2beta2- v2beta1-', '2.7': 'v2* v2beta2-', '2.8': 'v2*', '2.9': 'v2*' }],
  [
    'Receiver',
    NOTIFICATION,
    { '2.6': 'v1* v1beta2- v1beta1-', '2.7': 'v1* v1beta2-', '2.8': 'v1* v1beta2-', '2.9': 'v1*' },
  ],
  [
    'Alert Provider',
    NOTIFICATION,
    { '2.6': 'v1beta3* v1beta2- v1beta1-', '2.7': 'v1beta3* v1beta2-', '2.8': 'v1beta3* v1beta2-', '2.9': 'v1beta3*' },
  ],
  [
    'ImageRepository ImagePolicy',
    IMAGE,
    { '2.6': 'v1beta2* v1beta1', '2.7': 'v1* v1beta2-', '2.8': 'v1* v1beta2-', '2.9': 'v1*' },
  ],
  [
    'ImageUpdateAutomation',
    IMAGE,
    { '2.6': 'v1beta2* v1beta1-', '2.7': 'v1* v1beta2-', '2.8': 'v1* v1beta2-', '2.9': 'v1*' },
  ],
  ['ArtifactGenerator', 'source.extensions.fluxcd.io', { '2.7': 'v1beta1*', '2.8': 'v1beta1*', '2.9': 'v1beta1*' }],
];

/** Gives the recorded kinds of a line of upstream Flux; undefined for one that is not recorded. */
export function recordedKinds(line: string): readonly ApiKind[] | undefined {
  const kinds = RECORD.flatMap(([names, group, lines]) => {
    const versions = lines[line];
    return versions === undefined ? [] : names.split(' ').map((kind) => toKind(kind, group, versions));
  });
  return kinds.length === 0 ? undefined : kinds.sort((a, b) => (a.kind < b.kind ? -1 : 1));
}

function toKind(kind: string, group: string, text: string): ApiKind {
  const versions = text.split(' ').map((version) => ({
    name: version.replace(/[*-]$/, ''),
    storage: version.endsWith('*'),
    deprecated: version.endsWith('-'),
  }));
  return { group, kind, plural: pluralOf(kind), versions };
}

function pluralOf(kind: string): string {
  return kind.toLowerCase().replace(/y$/, 'ie').replace(/$/, 's');
}
