// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';

/** Something in a target under the name that the target itself gives it: a binary package, a module that stands in for another. */
export interface Occurrence {
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  /** Why it is looked up under another name or version than its own. */
  readonly how?: string;
}

/** A package as advisories name it: a Go module, the source package of a Debian package, the origin of an Alpine package. */
export interface ScanPackage {
  /** An OSV ecosystem: `Go`, `Debian:13`, `Alpine:v3.23`. */
  readonly ecosystem: string;
  readonly name: string;
  /** In the form of the ecosystem; undefined where the target does not tell. */
  readonly version: string | undefined;
  /** `build`: it made the target, and is not in it. */
  readonly scope: 'image' | 'build';
  readonly occurrences: readonly Occurrence[];
}

/** Something that could not be checked, and why; `feed` where a feed is to blame. */
export interface ScanGap {
  readonly what: string;
  readonly reason: string;
  readonly feed?: string;
}

/** What is scanned: one platform of an image, an SBOM, a program or a go.mod. */
export interface ScanSubject {
  /** As the user named it. */
  readonly target: string;
  readonly kind: 'image' | 'sbom' | 'go-binary' | 'go.mod';
  /** `linux/amd64`, where the target says so. */
  readonly platform?: string;
  /** Of the platform's manifest. */
  readonly digest?: Digest;
  /** Of what an image's name stands for: the index that the manifest is in. */
  readonly root?: Digest;
  /** What the packages were read from, in a few words. */
  readonly basis: string;
  readonly packages: readonly ScanPackage[];
  readonly gaps: readonly ScanGap[];
  /** Reads the provenance (SLSA v1) that is attached to an image, not verified. Throws where there is none. */
  readonly provenance?: () => Promise<unknown>;
}

/** Takes packages of which some are the same; gives each once, with all its occurrences, in order. */
export function mergePackages(packages: Iterable<ScanPackage>): readonly ScanPackage[] {
  const merged = new Map<string, ScanPackage>();
  for (const one of packages) {
    const key = packageKey(one);
    const known = merged.get(key);
    const occurrences = known === undefined ? one.occurrences : [...known.occurrences, ...one.occurrences];
    merged.set(key, { ...one, occurrences });
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => withDistinctOccurrences(one));
}

/** Gives what tells a package from every other. */
export function packageKey(one: Pick<ScanPackage, 'ecosystem' | 'name' | 'version' | 'scope'>): string {
  return JSON.stringify([one.scope === 'image' ? 0 : 1, one.ecosystem, one.name, one.version ?? '']);
}

function withDistinctOccurrences(one: ScanPackage): ScanPackage {
  if (one.occurrences.length < 2) return one;
  const distinct = new Map(one.occurrences.map((occurrence) => [JSON.stringify(occurrence), occurrence]));
  return { ...one, occurrences: [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found) };
}
