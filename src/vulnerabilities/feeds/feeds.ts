// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#core';
import { findEpss } from './epss-table.ts';
import { FEED_NAMES, type FeedName, type Feeds, type KevEntry, type LifeCycle, type SsvcEntry } from './feed.ts';
import { ENDOFLIFE_FILE, EPSS_FILE, KEV_FILE, SSVC_LINES, ssvcBucket } from './files.ts';
import { type LineReader, openLines } from './lines.ts';
import { readFeed } from './reading.ts';
import { damaged, type HeldFeed, readRecord, snapshotFolder } from './record.ts';

/** Feeds that hold advisories; where two hold one id with the same time of change, the first one's record is given. */
const ADVISORY_FEEDS = ['go', 'osv', 'debian', 'alpine'] as const;

/** Where feeds lie (Oakum's data folder), the time, and from when on each is too old. */
export interface OpenFeedsOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly maxAgeDays?: Partial<Readonly<Record<FeedName, number>>>;
}

interface Snapshot {
  readonly folder: string;
  readonly held: HeldFeed;
  lines(name: string): LineReader;
}

/**
 * Opens the feeds on disk. What is held at the first use of a feed stays what this value reads, whatever is updated
 * meanwhile, so that one scan sees one state. Reading loads no schema library and no index that is not asked for.
 */
export function openFeeds(options: OpenFeedsOptions): Feeds {
  const snapshots = new Map<FeedName, Snapshot | undefined>();
  const open = (name: FeedName): Snapshot | undefined => {
    if (!snapshots.has(name)) snapshots.set(name, openSnapshot(options.folder, name));
    return snapshots.get(name);
  };
  return {
    async status() {
      const now = options.clock.now();
      const ages = options.maxAgeDays === undefined ? {} : { maxAgeDays: options.maxAgeDays };
      return FEED_NAMES.map((name) => readFeed(name, { dataFolder: options.folder, now, ...ages }));
    },
    advisories: async (ecosystem, packages) =>
      mergeFeeds(
        ADVISORY_FEEDS.map((name) => {
          const snapshot = open(name);
          const isHeld = snapshot !== undefined && Object.hasOwn(snapshot.held.ecosystems, ecosystem);
          return isHeld ? snapshot.lines(ecosystem).byKeys(packages) : [];
        }),
      ),
    advisoriesById: async (ids) =>
      mergeFeeds(
        ADVISORY_FEEDS.map((name) => {
          const snapshot = open(name);
          const sets = Object.keys(snapshot?.held.ecosystems ?? {});
          return sets.flatMap((set) => findByIds(snapshot as Snapshot, set, ids));
        }),
      ),
    async kev(cves) {
      const entries = (readJsonFile(open('kev'), KEV_FILE) ?? {}) as Readonly<Record<string, KevEntry>>;
      return select(cves, (cve) => (Object.hasOwn(entries, cve) ? entries[cve] : undefined));
    },
    async epss(cves) {
      const table = readFile(open('epss'), EPSS_FILE);
      return select(cves, (cve) => (table === undefined ? undefined : findEpss(table, cve)));
    },
    async ssvc(cves) {
      const buckets = new Set([...cves].map(ssvcBucket));
      const entries = (open('ssvc')?.lines(SSVC_LINES).byKeys(buckets) ?? []) as readonly SsvcEntry[];
      const found = new Map(entries.map((entry) => [entry.cve, entry]));
      return select(cves, (cve) => found.get(cve));
    },
    async lifeCycles(product) {
      type Products = Readonly<Record<string, readonly LifeCycle[]>>;
      const products = readJsonFile(open('endoflife'), ENDOFLIFE_FILE) as Products | undefined;
      return products !== undefined && Object.hasOwn(products, product) ? products[product] : undefined;
    },
  };
}

function openSnapshot(dataFolder: string, name: FeedName): Snapshot | undefined {
  const held = readRecord(dataFolder, name)?.held;
  if (held === undefined) return undefined;
  const folder = snapshotFolder(dataFolder, name, held.digest);
  const readers = new Map<string, LineReader>();
  return {
    folder,
    held,
    lines(set) {
      const reader = readers.get(set) ?? openLines(folder, set);
      readers.set(set, reader);
      return reader;
    },
  };
}

/** Of the fields that this file reads of an advisory. */
interface Identified {
  readonly id: string;
  readonly modified?: string;
  readonly aliases?: readonly string[] | null;
  readonly upstream?: readonly string[] | null;
}

/** The ids that osv.dev makes of CVEs are found by the CVE. */
function findByIds(snapshot: Snapshot, set: string, ids: ReadonlySet<string>): readonly unknown[] {
  const keys = new Set([...ids].flatMap((id) => [id, id.replace(/^(?:DEBIAN|ALPINE)-/, '')]));
  const found = snapshot.lines(set).byIds(keys) as readonly Identified[];
  return found.filter(({ id, aliases, upstream }) =>
    [id, ...(aliases ?? []), ...(upstream ?? [])].some((name) => ids.has(name)),
  );
}

/** One feed may give an id several times (Debian: once a package); of two feeds with one id, the newer record counts. */
function mergeFeeds(feeds: readonly (readonly unknown[])[]): readonly unknown[] {
  const merged = new Map<string, { readonly feed: number; readonly records: Identified[] }>();
  for (const [feed, records] of feeds.entries()) {
    for (const record of records as readonly Identified[]) {
      const known = merged.get(record.id);
      if (known?.feed === feed) known.records.push(record);
      else if (known === undefined || timeOf(record) > timeOf(known.records[0]))
        merged.set(record.id, { feed, records: [record] });
    }
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, { records }]) => records);
}

function timeOf(record: Identified | undefined): number {
  return record?.modified === undefined ? 0 : Date.parse(record.modified);
}

function select<T>(cves: ReadonlySet<string>, find: (cve: string) => T | undefined): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const cve of cves) {
    const entry = find(cve);
    if (entry !== undefined) found.set(cve, entry);
  }
  return found;
}

function readFile(snapshot: Snapshot | undefined, file: string): Buffer | undefined {
  if (snapshot === undefined) return undefined;
  const path = join(snapshot.folder, file);
  try {
    const bytes = readFileSync(path);
    if (bytes.length === snapshot.held.files[file]?.size) return bytes;
  } catch {
    // Falls through: gone is damaged too.
  }
  throw damaged(path);
}

function readJsonFile(snapshot: Snapshot | undefined, file: string): unknown {
  const bytes = readFile(snapshot, file);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw damaged(file);
  }
}
