// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import type { StoredBlob } from '#cache';
import { messageOf } from '#core';
import { archiveOf } from './archive-keys.ts';
import { BaseError } from './error.ts';
import { settleAll } from './settle.ts';
import { getBlobFromAny } from './transfer.ts';
import type { DebianOptions, LockedPackage } from './types.ts';

const PARALLEL = 6;

/**
 * Brings locked packages into the cache, proved by digest and size; what is there is not asked for again. Gives blobs
 * in the order of the packages. Throws `BASE_PACKAGE_GONE` where no mirror has the locked version any more,
 * `BASE_PACKAGE_DIFFERS` where one serves other bytes.
 */
export async function fetchPackages(
  packages: readonly LockedPackage[],
  options: DebianOptions,
): Promise<readonly StoredBlob[]> {
  return inParallel(packages, (one) => fetchPackage(one, options));
}

/** Does something with each of many packages, some at a time; once one failed no other is begun, and the failure is thrown. */
export async function inParallel<T, R>(
  packages: readonly T[],
  run: (one: T) => Promise<R>,
  atOnce = PARALLEL,
): Promise<R[]> {
  const limit = pLimit(atOnce);
  let failed: Error | undefined;
  return settleAll(
    packages.map((one) =>
      limit(async () => {
        if (failed !== undefined) throw failed;
        try {
          return await run(one);
        } catch (error) {
          failed ??= error instanceof Error ? error : new Error(messageOf(error));
          throw error;
        }
      }),
    ),
  );
}

/** Brings one package into the cache; see {@link fetchPackages}. */
export async function fetchPackage(one: LockedPackage, options: DebianOptions): Promise<StoredBlob> {
  const known = await options.cache.blobs.find(one.sha256);
  if (known !== undefined) return known;
  const mirrors = options.mirrors[archiveOf(one.suite)];
  const differs = (url: string, cause: unknown) =>
    new BaseError('BASE_PACKAGE_DIFFERS', `the package ${one.name} ${one.version} is not the one that was locked`, {
      where: url,
      hint: 'The mirror serves other bytes under this name: use another mirror, and tell its keeper.',
      cause,
    });
  const urls = mirrors.map((mirror) => `${mirror}/${one.path}`);
  const blob = await getBlobFromAny(options, urls, { digest: one.sha256, size: one.size, differs });
  if (blob !== undefined) return blob;
  if (mirrors.length === 0) {
    throw new BaseError('BASE_MIRROR_MISSING', `no mirror is known that could serve ${one.name} of ${one.suite}`, {
      hint: 'Set `mirror` and `securityMirror` of the base in the definition, or configure apt on this machine.',
    });
  }
  throw new BaseError('BASE_PACKAGE_GONE', `the mirror no longer serves ${one.name} ${one.version}, which is locked`, {
    where: `${mirrors[0]}/${one.path}`,
    hint: 'Run `oakum lock --refresh` to take the newest version, or use a mirror that keeps old ones.',
  });
}
