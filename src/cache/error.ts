// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, OakumError } from '#core';

/** Codes of {@link CacheError}. */
export type CacheErrorCode =
  | 'CACHE_DIGEST_MISMATCH'
  | 'CACHE_TOO_LARGE'
  | 'CACHE_CORRUPT'
  | 'CACHE_MISSING'
  | 'CACHE_DISK_FULL';

/** What can go wrong between bytes and the cache's disk. */
export class CacheError extends OakumError<CacheErrorCode> {
  constructor(code: CacheErrorCode, message: string, details: ErrorDetails = {}) {
    const family =
      code === 'CACHE_DISK_FULL'
        ? 'machine'
        : code === 'CACHE_DIGEST_MISMATCH' || code === 'CACHE_TOO_LARGE'
          ? 'proof'
          : 'cache';
    super(family, code, message, details);
  }
}

/** Takes anything caught while writing below `folder`; gives a {@link CacheError} for a full disk, else the thing itself. */
export function toDiskError(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new CacheError('CACHE_DISK_FULL', 'the disk is full', {
    where: folder,
    hint: 'Free space (`oakum cache prune`), or set OAKUM_CACHE to a folder on a larger disk.',
    cause: error,
  });
}
