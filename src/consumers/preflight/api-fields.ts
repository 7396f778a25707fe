// SPDX-License-Identifier: Apache-2.0

/** A field that an earlier version of a kind has and the one to write has not; `*` is each item of a list. */
export interface GoneField {
  readonly path: readonly string[];
  readonly instead: string;
}

const PATCHES = 'write its entries as `patches`, each with `patch` and, for JSON6902, `target`';
const ACCESS = 'take it out: Flux never enforced it there';

/**
 * By kind, what its v1beta versions have and its stable one has not: compared from the Go types of both (`api/` of the controllers of
 * Flux 2.6 and 2.7, which have them side by side). Status is left out, as no one writes it.
 */
const GONE: Readonly<Record<string, readonly (readonly [path: string, instead: string])[]>> = {
  'kustomize.toolkit.fluxcd.io/Kustomization': [
    ['spec.patchesStrategicMerge', PATCHES],
    ['spec.patchesJson6902', PATCHES],
    ['spec.validation', 'take it out: server-side apply validates'],
  ],
  'helm.toolkit.fluxcd.io/HelmRelease': [
    ['spec.chart.spec.valuesFile', 'write `valuesFiles`, a list'],
    ['spec.postRenderers.*.kustomize.patchesStrategicMerge', PATCHES],
    ['spec.postRenderers.*.kustomize.patchesJson6902', PATCHES],
  ],
  'source.toolkit.fluxcd.io/GitRepository': [
    ['spec.gitImplementation', 'take it out: there is one implementation only'],
    ['spec.accessFrom', ACCESS],
  ],
  'source.toolkit.fluxcd.io/HelmChart': [
    ['spec.valuesFile', 'write `valuesFiles`, a list'],
    ['spec.accessFrom', ACCESS],
  ],
  'source.toolkit.fluxcd.io/Bucket': [['spec.accessFrom', ACCESS]],
};

/** Gives the fields that an object of a kind may have in a beta version and not in a stable one. */
export function goneFields(group: string, kind: string, from: string, to: string): readonly GoneField[] {
  if (!/(?:alpha|beta)/.test(from) || /(?:alpha|beta)/.test(to)) return [];
  return (GONE[`${group}/${kind}`] ?? []).map(([path, instead]) => ({ path: path.split('.'), instead }));
}
