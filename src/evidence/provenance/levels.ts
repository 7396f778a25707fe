// SPDX-License-Identifier: Apache-2.0

/** Where steps run: on the machine of whoever calls Oakum, or as Jobs of a cluster. */
export type EngineKind = 'local' | 'kubernetes';

/** A SLSA build level in the words of SLSA's verification summary (slsa.dev/spec/v1.0/verification_summary, "SlsaResult"). */
export type BuildLevel = 'SLSA_BUILD_LEVEL_0' | 'SLSA_BUILD_LEVEL_1' | 'SLSA_BUILD_LEVEL_2' | 'SLSA_BUILD_LEVEL_3';

/** Where the documentation's pages are published; docs/build-type.md says which page is which file. */
export const DOCUMENTATION_BASE = 'https://oakum.dev';

/** The build type of an image that Oakum made. Takes the base of another documentation site. */
export function buildTypeOf(base: string = DOCUMENTATION_BASE): string {
  return `${base}/build-types/release/v1`;
}

/** The builder id of an engine: one id stands for one set of guarantees, so a verifier decides on it alone. */
export function builderIdOf(engine: EngineKind, base: string = DOCUMENTATION_BASE): string {
  return `${base}/builders/${engine}/v1`;
}

/** What kind of builder made an image. */
export interface BuilderKind {
  readonly engine: EngineKind;
  /** The signing key lies in another service than the one that runs builds (SLSA Build L3, "Provenance is Unforgeable"). */
  readonly separateSigner?: boolean;
}

/**
 * Gives the highest build level that provenance of a builder may claim. A person's own machine is no build platform
 * (slsa.dev/spec/v1.0/levels, Build L2 "Hosted"): level 1, however well it isolates. A cluster is one, and reaches level 3
 * where in addition no build can reach the signer.
 */
export function claimedLevel({ engine, separateSigner = false }: BuilderKind): BuildLevel {
  if (engine === 'local') return 'SLSA_BUILD_LEVEL_1';
  return separateSigner ? 'SLSA_BUILD_LEVEL_3' : 'SLSA_BUILD_LEVEL_2';
}
