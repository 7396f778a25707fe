// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import { FEED_NAMES, type FeedName, type FeedReading } from '#vulnerabilities';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { openFeedsOf, updateFeedsOf } from '../feed-settings.ts';
import { formatTable } from '../format.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { loadDefinition, type SharedFlags } from '../shop.ts';
import type { World } from '../world.ts';

const HOUR = 3_600_000;

/** Flags of `oakum feeds update`. */
export interface UpdateFlags extends OutputFlags, SharedFlags {
  readonly feed?: readonly string[];
  readonly accept?: readonly string[];
  readonly mirror?: string;
}

/** `oakum feeds status`: shows how every feed stands. */
export async function showFeeds(flags: OutputFlags & SharedFlags, world: World): Promise<void> {
  const { read } = await loadDefinition(flags, world);
  const readings = await openFeedsOf(read, world).status();
  print(flags, { feeds: readings }, () => formatReadings(readings, world.clock.now()));
}

/** `oakum feeds update`: fetches what changed; a feed that failed makes the exit code 1. */
export async function refreshFeeds(flags: UpdateFlags, world: World): Promise<void> {
  const only = namesOf('--feed', flags.feed);
  const accept = namesOf('--accept', flags.accept) ?? [];
  const { read } = await loadDefinition(flags, world);
  const updates = await withProgress(flags, world, (report) =>
    updateFeedsOf(read, { mirror: flags.mirror, only, accept }, { world, report }),
  );
  const readings = updates.map(({ reading }) => reading);
  const feeds = updates.map(({ result, reading }) => ({ result, ...reading }));
  print(flags, { feeds }, () => formatReadings(readings, world.clock.now()));
  if (updates.some(({ result }) => result === 'failed')) process.exitCode = VERDICT_EXIT_CODE;
}

/** Gives feeds as a table, and below it why some are not fresh. */
export function formatReadings(readings: readonly FeedReading[], now: Date): string {
  const rows = readings.map((reading) => [
    reading.name,
    reading.state,
    reading.checkedAt === undefined ? '-' : formatAge(now.getTime() - reading.checkedAt.getTime()),
    reading.asOf?.toISOString().slice(0, 10) ?? '-',
    reading.count === undefined ? '-' : String(reading.count),
    reading.digest?.slice(0, 19) ?? '-',
    reading.source ?? '-',
  ]);
  const header = ['FEED', 'STATE', 'CHECKED', 'AS OF', 'ENTRIES', 'DIGEST', 'SOURCE'];
  const reasons = readings.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${name}: ${reason}`]));
  return `${formatTable(header, rows, ['ENTRIES'])}${reasons.length === 0 ? '' : `\n${reasons.join('\n')}\n`}`;
}

function formatAge(milliseconds: number): string {
  const hours = Math.floor(milliseconds / HOUR);
  if (hours < 1) return 'just now';
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

function namesOf(flag: string, names: readonly string[] | undefined): readonly FeedName[] | undefined {
  const unknown = names?.find((name) => !(FEED_NAMES as readonly string[]).includes(name));
  if (unknown === undefined) return names as readonly FeedName[] | undefined;
  throw new OakumError('usage', 'FLAG_INVALID', `${flag}: there is no feed "${unknown}"`, {
    hint: `The feeds are ${FEED_NAMES.join(', ')}.`,
  });
}
