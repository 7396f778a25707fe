// SPDX-License-Identifier: Apache-2.0
import { type Digest, isDigest } from '#core';
import { parsePurl, type Purl } from '#formats';

/** A component as any SBOM names it, ours or another tool's. */
export interface ReadComponent {
  readonly name: string;
  readonly version: string;
  /** Absent where there is none, or none that follows its specification: then `hasBrokenPurl`. */
  readonly purl?: Purl;
  readonly hasBrokenPurl?: true;
  /** An SPDX expression, as it stands there. */
  readonly licence?: string;
  readonly digest?: Digest;
  readonly h1?: string;
  /** Whether it says of itself that it is not part of the image. */
  readonly excluded: boolean;
  /** Whether it is the thing that the document describes. */
  readonly described: boolean;
}

/** What an SBOM in SPDX 2.x or CycloneDX JSON says. */
export interface SbomReading {
  readonly format: 'spdx' | 'cyclonedx';
  readonly specVersion: string;
  readonly name: string;
  readonly components: readonly ReadComponent[];
  /** Paths without a leading slash, and the SHA-256 of each, where it is told. */
  readonly files: ReadonlyMap<string, Digest | undefined>;
}

/** Gives a component of its texts; a package URL and a digest that are none are left out. */
export function toComponent(
  raw: {
    readonly [K in 'version' | 'purl' | 'licence' | 'sha256' | 'h1']: string | undefined;
  } & { readonly name: string },
): Omit<ReadComponent, 'excluded' | 'described'> {
  const purl = raw.purl === undefined ? undefined : readPurl(raw.purl);
  const digest = toDigest(raw.sha256);
  return {
    name: raw.name,
    version: raw.version ?? '',
    ...(purl === undefined ? {} : { purl }),
    ...(raw.purl !== undefined && purl === undefined ? { hasBrokenPurl: true as const } : {}),
    ...(raw.licence === undefined ? {} : { licence: raw.licence }),
    ...(digest === undefined ? {} : { digest }),
    ...(raw.h1 === undefined ? {} : { h1: raw.h1 }),
  };
}

function readPurl(purl: string): Purl | undefined {
  try {
    return parsePurl(purl);
  } catch {
    return undefined;
  }
}

/** Takes a SHA-256 in hex of any case; gives its digest, undefined for what is none. */
export function toDigest(hex: string | undefined): Digest | undefined {
  const digest = `sha256:${hex?.toLowerCase()}`;
  return isDigest(digest) ? digest : undefined;
}

/** Gives a path without what it begins with: `./`, `/`. */
export function plainPath(path: string): string {
  return path.replace(/^\.?\/+/, '');
}
