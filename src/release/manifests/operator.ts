// SPDX-License-Identifier: Apache-2.0
import { formatPins, type Pin } from '../pins.ts';
import type { OperatorVariant } from './limits.ts';

/** What the Flux Operator's distribution artifact of one channel holds. */
export interface OperatorContent {
  /** `2.9.2`. */
  readonly release: string;
  readonly variant: OperatorVariant;
  /** In the order of the definition. */
  readonly pins: readonly Pin[];
  /** Texts of the built manifests, by file name: the components', `rbac.yaml`, `policies.yaml`. */
  readonly manifests: Readonly<Record<string, string>>;
  /** An OpenVEX document about the images, where anything is known. */
  readonly vex?: string;
}

/**
 * Gives the files of a distribution artifact as the Flux Operator reads it (its internal/builder): manifests under `flux/v2.9.2/`, pins
 * under `flux-images/v2.9.2/<variant>.yaml`, VEX under `flux-vex/v2.9.json`. The operator takes the registry from the FluxInstance.
 */
export function operatorFiles({
  release,
  variant,
  pins,
  manifests,
  vex,
}: OperatorContent): Readonly<Record<string, string>> {
  const version = `v${release}`;
  const line = /^v\d+\.\d+/.exec(version)?.[0] ?? version;
  return {
    ...Object.fromEntries(Object.entries(manifests).map(([name, text]) => [`flux/${version}/${name}`, text])),
    'flux-images/VERSION': `${version}\n`,
    [`flux-images/${version}/${variant}.yaml`]: formatPins(pins),
    ...(vex === undefined ? {} : { [`flux-vex/${line}.json`]: vex }),
  };
}
