// SPDX-License-Identifier: Apache-2.0
import type { StoredBlob } from '#cache';
import type { Architecture, Digest } from '#core';
import type { OpenApk } from '#formats';
import type { DebianOptions } from '../types.ts';
import type { AlpineKeyring } from './keys.ts';

/** The world as {@link openAlpine} needs it. */
export interface AlpineOptions extends Omit<DebianOptions, 'mirrors' | 'keyrings'> {
  /** Addresses of mirrors, the best first: what lies below is `v3.22/main/x86_64/...`. */
  readonly mirrors: readonly string[];
  /** In place of Alpine's keys that ship with Oakum. */
  readonly keyring?: AlpineKeyring;
}

/** What a base is to be made of. */
export interface AlpineSpec {
  /** `v3.22`, `edge`, ... */
  readonly branch: string;
  /** As lines of /etc/apk/repositories: `[@tag ]` and a name in the branch, a path on the mirror, or an address. */
  readonly repositories: readonly string[];
  /** As words of /etc/apk/world: `name`, `name@tag`, `name=1.2-r0`, `name~1.2`, `!name`. What they need is added. */
  readonly packages: readonly string[];
}

/** One package, pinned. */
export interface LockedApk {
  readonly name: string;
  readonly version: string;
  /** `x86_64`, `aarch64` or `noarch`. */
  readonly architecture: string;
  /** The package whose build made it. */
  readonly origin: string;
  /** Of Alpine's packages' repository, when it was built; empty where it does not tell. */
  readonly commit: string;
  /** Relative to any mirror of Alpine, or a whole address where it is of a repository of one's own. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** `Q1` and the base64 of SHA-1 of its control part, by which the index names it. */
  readonly checksum: string;
  readonly sha256: Digest;
}

/** The proved index of a repository. */
export interface LockedIndex {
  /** As {@link LockedApk.path}: relative to any mirror, or a whole address. */
  readonly repository: string;
  readonly architecture: string;
  readonly tag?: string;
  /** What it calls itself, as `v3.22.1-84-g0123abc`. */
  readonly description: string;
  /** When it was made, ISO 8601 in UTC, to the second. */
  readonly date: string;
  readonly index: Digest;
  /** Names of the pinned keys with a good signature, sorted. */
  readonly signers: readonly string[];
}

/** A spec made exact for one architecture: packages in the order in which apk would install them, what they need first. */
export interface ResolvedAlpine {
  readonly architecture: Architecture;
  readonly packages: readonly LockedApk[];
  readonly indexes: readonly LockedIndex[];
}

/** Bases from Alpine's repositories. */
export interface Alpine {
  /** Makes a spec exact for one architecture; see `resolveAlpine`. Calls of one `Alpine` see one state of each index. */
  resolve(spec: AlpineSpec, architecture: Architecture): Promise<ResolvedAlpine>;
  /** Proves a spec's indexes and tells of them, in the order of its repositories. */
  indexes(spec: AlpineSpec, architecture: Architecture): Promise<readonly LockedIndex[]>;
  /** Brings locked packages into the cache, proved by digest and size; in the order of the packages. */
  fetch(packages: readonly LockedApk[]): Promise<readonly StoredBlob[]>;
  /** Opens a locked package from the cache, fetching it where that lacks it. Its name and version are those of the lock. */
  open(one: LockedApk): Promise<OpenApk>;
}
