// SPDX-License-Identifier: Apache-2.0
import type { Architecture } from '#core';
import { compareDebianVersions } from '#formats';
import { toRfc3339 } from '#image';
import { BaseError } from './error.ts';
import type { OpenRelease } from './open-release.ts';
import { findPackages } from './package-index.ts';
import { settleAll } from './settle.ts';
import type { BaseSpec, DebianOptions, LockedPackage, LockedRelease, ResolvedBase } from './types.ts';

/**
 * Makes a spec exact: of each package named the newest version over all suites; of equal versions the one of the suite
 * named first. Names that no suite has throw `BASE_PACKAGE_UNKNOWN`, all at once.
 */
export async function resolveBase(
  spec: BaseSpec,
  architecture: Architecture,
  world: { readonly options: DebianOptions; readonly release: (suite: string) => Promise<OpenRelease> },
): Promise<ResolvedBase> {
  const names = [...new Set(spec.packages)].sort();
  const open = await settleAll(spec.suites.map(world.release));
  const found = await settleAll(open.map((one) => findPackages(one, { packages: names, architecture }, world.options)));
  const newest = new Map<string, LockedPackage>();
  for (const candidate of found.flat()) {
    const best = newest.get(candidate.name);
    if (best === undefined || compareDebianVersions(candidate.version, best.version) > 0) {
      newest.set(candidate.name, candidate);
    }
  }
  const missing = names.filter((name) => !newest.has(name));
  if (missing.length > 0) {
    throw new BaseError(
      'BASE_PACKAGE_UNKNOWN',
      `${spec.suites.join(', ')} for ${architecture} has no package ${missing.join(', ')}`,
      { hint: 'Check the names under `packages` of the base in the definition.' },
    );
  }
  return {
    architecture,
    packages: names.flatMap((name) => newest.get(name) ?? []),
    releases: open.map(toLockedRelease),
  };
}

function toLockedRelease({ suite, release, inRelease, signers }: OpenRelease): LockedRelease {
  return {
    suite,
    codename: release.codename,
    date: toRfc3339(release.date),
    ...(release.validUntil === undefined ? {} : { validUntil: toRfc3339(release.validUntil) }),
    inRelease,
    signers,
  };
}
