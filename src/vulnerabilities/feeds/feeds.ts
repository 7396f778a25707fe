// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '#core';
import { orderOf, type VersionOrder } from '../match/version-order.ts';
import { findEpss } from './epss-table.ts';
import { FEED_NAMES, type FeedName, type Feeds, type KevEntry, type LifeCycle, type SsvcEntry } from './feed.ts';
import { ENDOFLIFE_FILE, EPSS_FILE, KEV_FILE, SSVC_LINES, ssvcBucket } from './files.ts';
import type { LineReader } from './lines.ts';
import { readFeed } from './reading.ts';
import { snapshotFolder } from './record.ts';
import {
  changesOf,
  openSnapshot,
  openSnapshotFile,
  parseSnapshotJson,
  readSnapshotFile,
  type Snapshot,
} from './snapshot.ts';

/** Feeds that hold advisories; where two hold one id with the same time of change, the first one's record is given. */
const ADVISORY_FEEDS = ['go', 'osv', 'debian', 'alpine'] as const;

/** Where feeds lie (Oakum's data folder), the time, and from when on each is too old. */
export interface OpenFeedsOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly maxAgeDays?: Partial<Readonly<Record<FeedName, number>>>;
}

/** Gives a feed's snapshot, the same each time. */
type OpenSnapshot = (name: FeedName) => Snapshot | undefined;

/**
 * Opens the feeds on disk. What is held at the first use of a feed stays what this value reads, whatever is updated
 * meanwhile, so that one scan sees one state. Reading loads no schema library and no index that is not asked for.
 */
export function openFeeds(options: OpenFeedsOptions): Feeds {
  const snapshots = new Map<FeedName, Snapshot | undefined>();
  const open: OpenSnapshot = (name) => {
    if (!snapshots.has(name)) snapshots.set(name, openSnapshot(options.folder, name));
    return snapshots.get(name);
  };
  return {
    async status() {
      const now = options.clock.now();
      const ages = options.maxAgeDays === undefined ? {} : { maxAgeDays: options.maxAgeDays };
      return FEED_NAMES.map((name) => readFeed(name, { dataFolder: options.folder, now, ...ages }));
    },
    ...advisoriesOf(open),
    async changedSince(name, digest) {
      const snapshot = open(name);
      return snapshot === undefined ? undefined : changesOf(snapshot, snapshotFolder(options.folder, name, digest));
    },
    async kev(cves) {
      const bytes = readSnapshotFile(open('kev'), KEV_FILE);
      const asked = [...cves].filter((cve) => /^CVE-[\d-]+$/.test(cve)); // as those of the catalogue
      // Few flaws are in it: it is parsed only where its text names one.
      if (bytes === undefined || asked.length === 0 || !new RegExp(asked.join('|')).test(bytes.toString('latin1')))
        return new Map();
      const entries = parseSnapshotJson(bytes, KEV_FILE) as Readonly<Record<string, KevEntry>>;
      return select(cves, (cve) => (Object.hasOwn(entries, cve) ? entries[cve] : undefined));
    },
    async epss(cves) {
      const table = openSnapshotFile(open('epss'), EPSS_FILE);
      if (table === undefined) return new Map();
      try {
        return select(cves, (cve) => findEpss(table, cve));
      } finally {
        table.close();
      }
    },
    async ssvc(cves) {
      const buckets = new Set([...cves].map(ssvcBucket));
      const entries = (open('ssvc')?.lines(SSVC_LINES).byKeys(buckets) ?? []) as readonly SsvcEntry[];
      const found = new Map(entries.map((entry) => [entry.cve, entry]));
      return select(cves, (cve) => found.get(cve));
    },
    async lifeCycles(product) {
      type Products = Readonly<Record<string, readonly LifeCycle[]>>;
      const bytes = readSnapshotFile(open('endoflife'), ENDOFLIFE_FILE);
      const products = bytes === undefined ? undefined : (parseSnapshotJson(bytes, ENDOFLIFE_FILE) as Products);
      return products !== undefined && Object.hasOwn(products, product) ? products[product] : undefined;
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

function advisoriesOf(open: OpenSnapshot): Pick<Feeds, 'advisories' | 'advisoriesById'> {
  return {
    async advisories(ecosystem, packages, versions) {
      const readers = ADVISORY_FEEDS.map((name) => {
        const snapshot = open(name);
        const isHeld = snapshot !== undefined && Object.hasOwn(snapshot.held.ecosystems, ecosystem);
        return isHeld ? snapshot.lines(ecosystem) : undefined;
      });
      const isClear = clearIn(readers, orderOf(ecosystem), versions);
      const wanted = new Set([...packages].filter((name) => !isClear(name)));
      return mergeFeeds(readers.map((reader) => reader?.byKeys(wanted) ?? []));
    },
    async advisoriesById(ids) {
      const found = ADVISORY_FEEDS.map((name) => {
        const snapshot = open(name);
        if (snapshot === undefined) return [];
        return Object.keys(snapshot.held.ecosystems).flatMap((set) => findByIds(snapshot, set, ids));
      });
      return mergeFeeds(found);
    },
  };
}

/** Says of a package whether no feed's advisories say anything of the versions that it has. */
function clearIn(
  readers: readonly (LineReader | undefined)[],
  order: VersionOrder | undefined,
  versions: ReadonlyMap<string, readonly (string | undefined)[]> | undefined,
): (name: string) => boolean {
  return (name) => {
    const own = versions?.get(name);
    if (own === undefined || order === undefined) return false;
    const knowing = readers.filter((reader) => reader?.hasKey(name));
    return knowing.every((reader) => {
      const from = reader?.clearFrom(name);
      if (from === undefined) return false;
      return own.every((one) => one !== undefined && order.isVersion(one) && order.compare(one, from) >= 0);
    });
  };
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
