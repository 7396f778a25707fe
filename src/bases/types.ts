// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import type { Architecture, Clock, Digest, Http, Report, TreeEntry } from '#core';
import type { Mirrors } from './apt-sources.ts';
import type { Keyring } from './archive-keys.ts';

/** The world as {@link openDebian} needs it. */
export interface DebianOptions {
  readonly http: Http;
  readonly cache: Cache;
  /** A folder for what must never be rolled back; it is no cache, keep it. */
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly mirrors: Mirrors;
  /** In place of Debian's archive keys that ship with Oakum. */
  readonly keyrings?: readonly Keyring[];
  /** The greatest age of an index that has no Valid-Until; 200 by default. */
  readonly maxAgeDays?: number;
  /** The most bytes one package may unpack to; 1 GiB by default. */
  readonly maxUnpackedBytes?: number;
  readonly signal?: AbortSignal;
  /** Told of mirrors that were passed over. */
  readonly report?: Report;
}

/** How a root is composed of its packages. */
export interface RootForm {
  /** Whether programs and scripts come in. Without, the root is Distroless: it runs nothing of its own. */
  readonly programs?: boolean;
}

/** What a base is to be made of. Exactly the packages named: dependencies are left out on purpose, that makes it Distroless. */
export interface BaseSpec {
  readonly suites: readonly string[];
  readonly packages: readonly string[];
}

/** One package, pinned. `path` is relative to its archive's base, so that any mirror can serve it. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string };
  readonly suite: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: Digest;
}

/** The proved Release file of a suite. Times are ISO 8601 in UTC, to the second. */
export interface LockedRelease {
  readonly suite: string;
  readonly codename: string;
  readonly date: string;
  readonly validUntil?: string;
  readonly inRelease: Digest;
  /** Fingerprints of pinned primary keys, sorted. */
  readonly signers: readonly string[];
}

/** A spec made exact for one architecture: packages sorted by name, releases in the order of the spec's suites. */
export interface ResolvedBase {
  readonly architecture: Architecture;
  readonly packages: readonly LockedPackage[];
  readonly releases: readonly LockedRelease[];
}

/** A file of a package that is in the root. */
export interface InstalledFile {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/** A package as it lies in the root, for SBOMs and scanners. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string };
  readonly sha256: Digest;
  readonly maintainer: string;
  readonly homepage?: string;
  /** The path of its copyright file in the root. */
  readonly copyright?: string;
  /** Short licence names of a machine-readable copyright file, sorted; empty where it is free text. */
  readonly licenses: readonly string[];
  readonly files: readonly InstalledFile[];
}

/** A composed root: entries sorted by path, parents first. */
export interface BaseRoot {
  readonly entries: readonly TreeEntry[];
  readonly packages: readonly InstalledPackage[];
  /** The newest time of a file in the packages; no entry is later. */
  readonly epoch: Date;
}
