// SPDX-License-Identifier: Apache-2.0
import { VulnerabilityError } from '../error.ts';
import type { FeedName, FeedReading } from './feed.ts';
import { type FeedRecord, type HeldFeed, readRecord, snapshotFault } from './record.ts';

const DAY = 86_400_000;

/** From how many days on each feed is too old, where the definition does not say. Most change daily; KEV has quiet weeks. */
export const DEFAULT_MAX_AGE_DAYS: Readonly<Record<FeedName, number>> = {
  go: 7,
  osv: 7,
  debian: 7,
  alpine: 7,
  kev: 21,
  epss: 7,
  ssvc: 30,
  endoflife: 30,
};

/** How ages are judged. */
export interface ReadingOptions {
  readonly dataFolder: string;
  readonly now: Date;
  readonly maxAgeDays?: Partial<Readonly<Record<FeedName, number>>>;
}

/** Reads how one feed stands. Damage on disk is a state with a reason, not an error: nothing usable is held. */
export function readFeed(name: FeedName, options: ReadingOptions): FeedReading {
  const maxAgeDays = options.maxAgeDays?.[name] ?? DEFAULT_MAX_AGE_DAYS[name];
  let record: FeedRecord | undefined;
  try {
    record = readRecord(options.dataFolder, name);
  } catch (error) {
    if (!(error instanceof VulnerabilityError)) throw error;
    return { name, state: 'missing', reason: error.message, maxAgeDays };
  }
  const held = record?.held;
  const failure = record?.failure === undefined ? undefined : failureOf(record.failure);
  if (held === undefined) return { name, state: 'missing', reason: failure ?? neverFetched(name), maxAgeDays };
  const fault = snapshotFault(options.dataFolder, name, held);
  if (fault !== undefined)
    return { name, state: 'missing', reason: `what was stored is damaged: ${fault}`, maxAgeDays };
  return readHeld({ name, held, record: record as FeedRecord, failure, maxAgeDays, now: options.now });
}

function readHeld(of: {
  readonly name: FeedName;
  readonly held: HeldFeed;
  readonly record: FeedRecord;
  readonly failure: string | undefined;
  readonly maxAgeDays: number;
  readonly now: Date;
}): FeedReading {
  const { name, held, record, failure, maxAgeDays, now } = of;
  const checkedAt = new Date(record.checkedAt ?? held.fetchedAt);
  const asOf = held.asOf === undefined ? undefined : new Date(held.asOf);
  const age = now.getTime() - Math.min(checkedAt.getTime(), asOf?.getTime() ?? Infinity);
  const tooOld =
    age > maxAgeDays * DAY ? `${Math.floor(age / DAY)} days old, more than the ${maxAgeDays} allowed` : undefined;
  const reason = [tooOld, failure].filter((part) => part !== undefined).join('; ');
  return {
    name,
    state: tooOld !== undefined ? 'stale' : failure !== undefined ? 'faulty' : 'fresh',
    ...(reason === '' ? {} : { reason }),
    fetchedAt: new Date(held.fetchedAt),
    checkedAt,
    ...(asOf === undefined ? {} : { asOf }),
    digest: held.digest,
    count: held.count,
    source: held.source,
    ecosystems: Object.keys(held.ecosystems).sort(),
    maxAgeDays,
  };
}

function failureOf(failure: NonNullable<FeedRecord['failure']>): string {
  return `the update of ${failure.at.slice(0, 16)}Z failed: ${failure.message}`;
}

function neverFetched(name: FeedName): string {
  return name === 'ssvc'
    ? 'never fetched: it is large, so it must be named (`oakum feeds update --feed ssvc`) or be in a mirror'
    : 'never fetched: run `oakum feeds update`';
}
