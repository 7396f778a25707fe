// SPDX-License-Identifier: Apache-2.0
import type { StoredBlob, TreeResult } from '#cache';
import type { Architecture } from '#core';
import { layBuildRoot } from './build-root.ts';
import { composeRoot } from './compose.ts';
import { fetchPackages } from './fetch.ts';
import { openRelease, type OpenRelease } from './open-release.ts';
import { resolveBase } from './resolve.ts';
import { isUnpacked } from './unpack-deb.ts';
import type { BaseRoot, BaseSpec, DebianOptions, LockedPackage, ResolvedBase, RootForm } from './types.ts';

/** Bases from the Debian archive. */
export interface Debian {
  /** Makes a spec exact for one architecture; see {@link resolveBase}. Calls of one `Debian` see one state of each suite. */
  resolve(spec: BaseSpec, architecture: Architecture): Promise<ResolvedBase>;
  /** Brings locked packages into the cache; see {@link fetchPackages}. */
  fetch(packages: readonly LockedPackage[]): Promise<readonly StoredBlob[]>;
  /** Composes the root from locked packages, fetching what the cache lacks; see {@link composeRoot}. */
  root(packages: readonly LockedPackage[], form?: RootForm): Promise<BaseRoot>;
  /** Lays locked packages into a folder with their programs, to compile with; see {@link layBuildRoot}. */
  buildRoot(packages: readonly LockedPackage[]): Promise<TreeResult>;
}

/** Opens the Debian archive: nothing is asked of a mirror until a verb is called. */
export function openDebian(options: DebianOptions): Debian {
  const releases = new Map<string, Promise<OpenRelease>>();
  const release = (suite: string) => {
    const known = releases.get(suite) ?? openRelease(suite, options);
    releases.set(suite, known);
    return known;
  };
  return {
    resolve: (spec, architecture) => resolveBase(spec, architecture, { options, release }),
    fetch: (packages) => fetchPackages(packages, options),
    root: async (packages, form = {}) => {
      await fetchMissing(packages, options);
      return composeRoot(packages, form, options);
    },
    buildRoot: (packages) => layBuildRoot(packages, options),
  };
}

/** Fetches side by side what is not unpacked yet; unpacking would fetch one after another. */
async function fetchMissing(packages: readonly LockedPackage[], options: DebianOptions): Promise<void> {
  const unpacked = await Promise.all(packages.map((one) => isUnpacked(one, options)));
  await fetchPackages(
    packages.filter((_, index) => !unpacked[index]),
    options,
  );
}
