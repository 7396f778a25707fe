// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Digest, replaceFile } from '#core';
import { readableJson } from '#formats';
import { archiveOf } from './archive-keys.ts';
import { BaseError, type BaseErrorCode } from './error.ts';
import type { Release } from './release-file.ts';

/** How old is too old, what time it is, where the newest seen is kept, and the name used in errors. */
export interface FreshnessOptions {
  readonly suite: string;
  readonly now: Date;
  readonly maxAgeDays: number;
  readonly stateFolder: string;
  readonly where: string;
}

/** Milliseconds. */
export const DAY = 86_400_000;
/** How old an index may be, in days, where the definition does not say. */
export const DEFAULT_MAX_AGE_DAYS = 200;
/** A mirror's clock and this machine's may differ by so much. */
const CLOCK_SLACK = 3_600_000;

const seenSchema = z.object({ date: z.iso.datetime() });

/**
 * Judges a proved Release file: it must be of the suite asked for (`BASE_RELEASE_SUITE`), not from the future
 * (`BASE_RELEASE_FUTURE`), not past its Valid-Until or, without one, older than `maxAgeDays` (`BASE_RELEASE_EXPIRED`),
 * and not older than the newest this installation has seen (`BASE_RELEASE_ROLLBACK`). A signature alone can't tell a
 * replayed old index, with its old holes, from the newest one.
 */
export async function checkFresh(release: Release, options: FreshnessOptions): Promise<void> {
  const { suite, now, where } = options;
  if (release.suite !== suite && release.codename !== suite) {
    throw new BaseError('BASE_RELEASE_SUITE', `the mirror gave ${release.codename} where ${suite} was asked for`, {
      where,
    });
  }
  const judged = { date: release.date, what: `the index of ${suite}`, where };
  refuseFuture(judged, 'BASE_RELEASE_FUTURE', now);
  const end = release.validUntil ?? new Date(release.date.getTime() + options.maxAgeDays * DAY);
  if (end < now) {
    const why = release.validUntil === undefined ? `is more than ${options.maxAgeDays} days old` : 'has expired';
    throw new BaseError(
      'BASE_RELEASE_EXPIRED',
      `the index of ${suite} ${why} (made ${day(release.date)}, good until ${day(end)})`,
      { where, hint: 'The mirror no longer follows Debian, or someone holds it back: use another mirror.' },
    );
  }
  await refuseOlder(judged, 'BASE_RELEASE_ROLLBACK', stateFile(options));
}

/** A proved index: when it was made, how errors call it, and where it came from. */
export interface DatedIndex {
  readonly date: Date;
  readonly what: string;
  readonly where: string;
}

/** Throws `code` for an index that is dated later than now. */
export function refuseFuture({ date, what, where }: DatedIndex, code: BaseErrorCode, now: Date): void {
  if (date.getTime() <= now.getTime() + CLOCK_SLACK) return;
  throw new BaseError(code, `${what} is dated ${day(date)}, which is still to come`, {
    where,
    hint: 'Check the clock of this machine.',
  });
}

/** Throws `code` for an index that is older than the newest seen, which a file holds; see {@link readSeenDate}. */
export async function refuseOlder({ date, what, where }: DatedIndex, code: BaseErrorCode, file: string): Promise<void> {
  const seen = await readSeenDate(file);
  if (seen === undefined || date >= seen) return;
  throw new BaseError(code, `${what} is older (${date.toISOString()}) than one seen before (${seen.toISOString()})`, {
    where,
    hint: 'The mirror lags behind, or someone replays an old state: wait, or use another mirror.',
  });
}

/** Remembers an accepted Release file as the newest seen; an older one never takes its place. */
export async function rememberSeen(release: Release, inRelease: Digest, options: FreshnessOptions): Promise<void> {
  await rememberSeenDate(stateFile(options), { date: release.date, inRelease });
}

/** Writes the record of the newest index seen, unless the one there is as new; what else it holds is for people to read. */
export async function rememberSeenDate(
  path: string,
  record: { readonly date: Date; readonly [key: string]: unknown },
): Promise<void> {
  const seen = await readSeenDate(path);
  if (seen !== undefined && seen >= record.date) return;
  await replaceFile(path, readableJson({ ...record, date: record.date.toISOString() }));
}

/** Gives the time of the newest index seen, undefined where none was. Throws `BASE_RELEASE_ROLLBACK` for a damaged record. */
async function readSeenDate(path: string): Promise<Date | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return new Date(seenSchema.parse(JSON.parse(text)).date);
  } catch (error) {
    throw new BaseError('BASE_RELEASE_ROLLBACK', 'the record of the newest index seen is damaged', {
      where: path,
      hint: 'Remove the file to begin anew; the next index is then taken as the newest.',
      cause: error,
    });
  }
}

function stateFile(options: FreshnessOptions): string {
  return join(options.stateFolder, 'debian', `${archiveOf(options.suite)}-${options.suite}.json`);
}

/** Gives a date's day, `2026-11-24`. */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
