// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';

/** What an image says of itself; each member becomes one key of OCI image-spec 1.1, annotations.md. */
export interface ImageFacts {
  readonly title?: string;
  readonly description?: string;
  readonly vendor?: string;
  /** Where the source can be browsed. */
  readonly source?: string;
  /** The source's commit. */
  readonly revision?: string;
  readonly version?: string;
  /** An SPDX licence expression. */
  readonly licenses?: string;
  readonly created?: Date;
  readonly url?: string;
  readonly documentation?: string;
  readonly authors?: string;
  readonly baseName?: string;
  readonly baseDigest?: Digest;
}

const KEYS: Readonly<Record<keyof ImageFacts, string>> = {
  title: 'org.opencontainers.image.title',
  description: 'org.opencontainers.image.description',
  vendor: 'org.opencontainers.image.vendor',
  source: 'org.opencontainers.image.source',
  revision: 'org.opencontainers.image.revision',
  version: 'org.opencontainers.image.version',
  licenses: 'org.opencontainers.image.licenses',
  created: 'org.opencontainers.image.created',
  url: 'org.opencontainers.image.url',
  documentation: 'org.opencontainers.image.documentation',
  authors: 'org.opencontainers.image.authors',
  baseName: 'org.opencontainers.image.base.name',
  baseDigest: 'org.opencontainers.image.base.digest',
};

/** The key that names an entry of a layout's index (OCI image-spec 1.1, image-layout.md "index.json file"). */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** Gives facts as annotations, which serve as a config's labels too; absent ones are left out. Times are RFC 3339, to the second. */
export function toAnnotations(facts: ImageFacts): Readonly<Record<string, string>> {
  const pairs = (Object.keys(KEYS) as (keyof ImageFacts)[]).flatMap((name) => {
    const value = facts[name];
    return value === undefined ? [] : [[KEYS[name], value instanceof Date ? toRfc3339(value) : value] as const];
  });
  return Object.fromEntries(pairs);
}

/** Gives a time as RFC 3339 in UTC to the second, the form of `created` in configs and annotations. */
export function toRfc3339(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
