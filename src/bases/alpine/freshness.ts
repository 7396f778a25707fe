// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Digest } from '#core';
import type { ApkIndex } from '#formats';
import { BaseError } from '../error.ts';
import { DAY, day, DEFAULT_MAX_AGE_DAYS, refuseFuture, refuseOlder, rememberSeenDate } from '../freshness.ts';
import type { AlpineOptions } from './types.ts';

/** How old is too old, where the newest seen is kept, and how errors call the index. */
export interface IndexFreshness extends Pick<AlpineOptions, 'clock' | 'maxAgeDays' | 'stateFolder'> {
  readonly what: string;
  readonly where: string;
  readonly architecture: string;
  /** The repository's. */
  readonly path: string;
}

/**
 * Judges a proved index: not from the future (`BASE_INDEX_FUTURE`), not older than `maxAgeDays` (`BASE_INDEX_EXPIRED`), not older than
 * the newest of this repository that this installation has seen (`BASE_INDEX_ROLLBACK`). Alpine's signatures carry no date of their own:
 * it is the one of the files in the signed part.
 */
export async function checkIndexFresh(index: ApkIndex, options: IndexFreshness): Promise<void> {
  const { what, where, clock, maxAgeDays = DEFAULT_MAX_AGE_DAYS } = options;
  const now = clock.now();
  const date = new Date(index.date * 1000);
  refuseFuture({ date, what, where }, 'BASE_INDEX_FUTURE', now);
  if (index.date > 0 && date.getTime() + maxAgeDays * DAY < now.getTime()) {
    throw new BaseError('BASE_INDEX_EXPIRED', `${what} is more than ${maxAgeDays} days old (made ${day(date)})`, {
      where,
      hint: 'The branch is past its end, the mirror no longer follows Alpine, or someone holds it back: take a newer branch or another mirror, or raise `maxAgeDays` of the base.',
    });
  }
  await refuseOlder({ date, what, where }, 'BASE_INDEX_ROLLBACK', stateFile(options));
}

/** Remembers an accepted index as the newest seen; an older one never takes its place. */
export async function rememberIndex(index: ApkIndex, digest: Digest, options: IndexFreshness): Promise<void> {
  await rememberSeenDate(stateFile(options), { date: new Date(index.date * 1000), index: digest });
}

/** By repository, whatever mirror served it; an address of one's own is known by its digest. */
function stateFile({ stateFolder, path, architecture }: IndexFreshness): string {
  const name = path.includes('://')
    ? createHash('sha256').update(path).digest('hex').slice(0, 32)
    : path.replaceAll('/', '-');
  return join(stateFolder, 'alpine', `${name}-${architecture}.json`);
}
