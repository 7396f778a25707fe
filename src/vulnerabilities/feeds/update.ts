// SPDX-License-Identifier: Apache-2.0
import { type Clock, type Digest, type Http, OakumError, type Report, reportStep } from '#core';
import { VulnerabilityError } from '../error.ts';
import { updateAlpine } from './alpine.ts';
import { type FeedContext, type FeedOutcome, type FeedSettings, heldLinesOf, type UpdateFeed } from './context.ts';
import { updateDebian } from './debian.ts';
import { type Draft, openDraft, removeOldSnapshots } from './draft.ts';
import { updateEndOfLife } from './endoflife.ts';
import { updateEpss } from './epss.ts';
import { FEED_NAMES, type FeedName, type FeedReading } from './feed.ts';
import { openFeeds } from './feeds.ts';
import { updateGo } from './go.ts';
import { updateKev } from './kev.ts';
import { openOrigin, type Origin } from './origin.ts';
import { updateOsv } from './osv.ts';
import { readFeed } from './reading.ts';
import { type FeedRecord, type HeldFeed, readRecord, snapshotFault, snapshotFolder, writeRecord } from './record.ts';
import { updateSsvc } from './ssvc.ts';

const UPDATES: Readonly<Record<FeedName, UpdateFeed>> = {
  go: updateGo,
  osv: updateOsv,
  debian: updateDebian,
  alpine: updateAlpine,
  kev: updateKev,
  epss: updateEpss,
  ssvc: updateSsvc,
  endoflife: updateEndOfLife,
};

/** A feed that lost more than this share of its entries is not believed. */
const MAX_LOSS = 0.2;

/** Where feeds come from, and which parts of them. */
export interface FeedSources extends Partial<FeedSettings> {
  /** An http, https or file URL, or a folder, with the layout of docs/vulnerabilities.md; the public addresses without it. */
  readonly mirror?: string;
}

/** What {@link updateFeeds} works with. */
export interface UpdateFeedsOptions {
  readonly http: Http;
  readonly clock: Clock;
  /** Oakum's data folder. */
  readonly folder: string;
  readonly sources: FeedSources;
  readonly report: Report;
  readonly signal?: AbortSignal;
  /** Only these; by default all, `ssvc` only from a mirror. */
  readonly only?: readonly FeedName[];
  /** Take these feeds even where they shrank, or are older than what is held. */
  readonly accept?: readonly FeedName[];
  readonly maxAgeDays?: Partial<Readonly<Record<FeedName, number>>>;
}

/** How the update of one feed went, and how it stands now. `absent`: a mirror without SSVC, which need not have it. */
export interface FeedUpdate {
  readonly name: FeedName;
  readonly result: 'updated' | 'unchanged' | 'failed' | 'absent';
  readonly reading: FeedReading;
}

/**
 * Fetches what changed. A feed that fails (unreachable, invalid, shrunk ...) keeps its last good copy, and its record
 * says so; the others go on. Throws only for what concerns all: a mirror that is no address, a full disk, an abort.
 */
export async function update(options: UpdateFeedsOptions): Promise<readonly FeedUpdate[]> {
  const { sources, http, signal } = options;
  const origin = openOrigin({ mirror: sources.mirror, http, ...(signal === undefined ? {} : { signal }) });
  const isWanted = (name: FeedName) =>
    options.only?.includes(name) ?? (name !== 'ssvc' || sources.mirror !== undefined);
  const updates = new Map<FeedName, FeedUpdate>();
  // endoflife first: it says which Alpine branches live. One after the other, so that memory holds one at a time.
  for (const name of [...FEED_NAMES].reverse().filter(isWanted)) {
    signal?.throwIfAborted();
    updates.set(name, await updateOne(name, origin, options));
  }
  return FEED_NAMES.flatMap((name) => updates.get(name) ?? []);
}

async function updateOne(name: FeedName, origin: Origin, options: UpdateFeedsOptions): Promise<FeedUpdate> {
  const now = options.clock.now();
  const record = readGoodRecord(options.folder, name);
  const draft = await openDraft(options.folder, name);
  const read = () =>
    readFeed(name, {
      dataFolder: options.folder,
      now,
      ...(options.maxAgeDays === undefined ? {} : { maxAgeDays: options.maxAgeDays }),
    });
  try {
    const { cached } = await reportStep(options.report, { subject: name, step: 'update feed' }, () =>
      take({ name, origin, options, record, draft, now }),
    );
    return { name, result: cached ? 'unchanged' : 'updated', reading: read() };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof OakumError)) throw error;
    await writeRecord(options.folder, {
      ...record,
      failure: { at: now.toISOString(), code: error.code, message: messageOf(error) },
    });
    const isAbsent = name === 'ssvc' && error.code === 'FEED_ABSENT';
    return { name, result: isAbsent ? 'absent' : 'failed', reading: read() };
  } finally {
    await draft.discard();
  }
}

function messageOf(error: OakumError): string {
  return error.where === undefined ? error.message : `${error.message} (${error.where})`;
}

/** A record, or a snapshot, that is damaged counts as none: everything is fetched anew. */
function readGoodRecord(folder: string, name: FeedName): FeedRecord {
  const none: FeedRecord = { version: 1, name };
  try {
    const record = readRecord(folder, name) ?? none;
    return record.held !== undefined && snapshotFault(folder, name, record.held) !== undefined ? none : record;
  } catch (error) {
    if (error instanceof VulnerabilityError && error.code === 'FEED_DAMAGED') return none;
    throw error;
  }
}

interface Taking {
  readonly name: FeedName;
  readonly origin: Origin;
  readonly options: UpdateFeedsOptions;
  readonly record: FeedRecord;
  readonly draft: Draft;
  readonly now: Date;
}

async function take(of: Taking): Promise<{ readonly cached: boolean }> {
  const { name, options, record, draft, now } = of;
  const outcome = await UPDATES[name](await contextOf(of));
  const { failure: _, ...good } = record;
  if (outcome.kind === 'unchanged') {
    await writeRecord(options.folder, { ...good, ...refreshed(record.held, outcome), checkedAt: now.toISOString() });
    return { cached: true };
  }
  if (outcome.count === 0) throw new VulnerabilityError('FEED_INVALID', 'it is empty', { where: outcome.source });
  if (!options.accept?.includes(name)) requireNotShrunk(name, record.held, outcome);
  const { digest, files } = await draft.seal();
  if (digest !== record.held?.digest) await draft.keep();
  const held: HeldFeed = {
    digest,
    files,
    fetchedAt: now.toISOString(),
    ...(outcome.asOf === undefined ? {} : { asOf: outcome.asOf.toISOString() }),
    source: outcome.source,
    count: outcome.count,
    ecosystems: outcome.ecosystems ?? {},
    validators: outcome.validators,
  };
  await writeRecord(options.folder, { ...good, held, checkedAt: now.toISOString() });
  const keep: Digest[] = record.held === undefined ? [digest] : [digest, record.held.digest];
  await removeOldSnapshots(options.folder, name, { keep, now });
  return { cached: record.held?.digest === digest };
}

async function contextOf({ name, origin, options, record, draft, now }: Taking): Promise<FeedContext> {
  const held = record.held;
  const none = () => {
    throw new Error(`nothing is held of ${name}`);
  };
  return {
    name,
    origin,
    held,
    draft,
    now,
    acceptOlder: options.accept?.includes(name) ?? false,
    heldLines: held === undefined ? none : heldLinesOf(snapshotFolder(options.folder, name, held.digest)),
    settings: {
      osvEcosystems: options.sources.osvEcosystems ?? ['Go'],
      osvIds: options.sources.osvIds ?? [],
      alpineBranches: options.sources.alpineBranches ?? [],
    },
    livingAlpineBranches: name === 'alpine' ? await livingAlpineBranches(options) : [],
  };
}

/** Branches whose support has not ended, and edge. */
async function livingAlpineBranches({ folder, clock }: UpdateFeedsOptions): Promise<readonly string[]> {
  const today = clock.now().toISOString().slice(0, 10);
  const cycles = await openFeeds({ folder, clock }).lifeCycles('alpine-linux');
  const living = (cycles ?? []).filter(({ endOfLife }) => typeof endOfLife === 'string' && endOfLife >= today);
  return living.length === 0 ? [] : [...living.map(({ cycle }) => `v${cycle}`), 'edge'];
}

function refreshed(
  held: HeldFeed | undefined,
  outcome: Extract<FeedOutcome, { readonly kind: 'unchanged' }>,
): { readonly held?: HeldFeed } {
  if (held === undefined) return {};
  const asOf = outcome.asOf === undefined ? {} : { asOf: outcome.asOf.toISOString() };
  return { held: { ...held, ...asOf, validators: { ...held.validators, ...outcome.validators } } };
}

function requireNotShrunk(
  name: FeedName,
  held: HeldFeed | undefined,
  outcome: Extract<FeedOutcome, { readonly kind: 'changed' }>,
): void {
  if (held === undefined) return;
  const counts = Object.entries(held.ecosystems).filter(
    ([ecosystem]) => name === 'go' || name === 'debian' || outcome.ecosystems?.[ecosystem] !== undefined,
  );
  const pairs = [
    ...counts.map(([ecosystem, before]) => [ecosystem, before, outcome.ecosystems?.[ecosystem] ?? 0] as const),
    ...(counts.length === 0 ? [['it', held.count, outcome.count] as const] : []),
  ];
  for (const [what, before, after] of pairs) {
    if (after >= before * (1 - MAX_LOSS)) continue;
    throw new VulnerabilityError(
      'FEED_SHRUNK',
      `${what} shrank from ${before} entries to ${after}, too much to be believed`,
      {
        where: outcome.source,
        hint: `Look at the source; \`oakum feeds update --accept ${name}\` takes it all the same.`,
      },
    );
  }
}
