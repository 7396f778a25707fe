// SPDX-License-Identifier: Apache-2.0
import {
  type CompatibilityCell,
  CompatibilityError,
  type Lifecycle,
  readCells,
  readLifecycle,
  staleReasons,
} from '#compatibility';
import type { Digest } from '#core';
import {
  lineOf,
  orderRevisions,
  parseRevision,
  type ReleaseDocument,
  type Revision,
  type SupportRecord,
} from '#release';
import type { FeedReading } from '#vulnerabilities';
import { openFeedsOf } from './feed-settings.ts';
import type { FoundDocument } from './release-documents.ts';
import type { Loaded } from './shop.ts';
import type { World } from './world.ts';

/** Lifecycles as of the world's clock, and why they can't be relied on, if so. */
export interface OpenedLifecycle {
  readonly lifecycle: Lifecycle;
  readonly feed: FeedReading | undefined;
  /** What is wrong with the data and what to do, as sentences; empty where it is young enough and whole. */
  readonly faults: readonly string[];
}

const DAY = 86_400_000;
const UPDATE = 'Run `oakum feeds update --feed endoflife`.';

/** Reads the lifecycles from the feed on disk and the overrides of a definition. */
export async function openLifecycle({ read }: Pick<Loaded, 'read'>, world: World): Promise<OpenedLifecycle> {
  const feeds = openFeedsOf(read, world);
  const lifecycle = await readLifecycle({
    cycles: (product) => feeds.lifeCycles(product),
    settings: read.definition.lifecycle,
    now: world.clock.now(),
  });
  const feed = (await feeds.status()).find(({ name }) => name === 'endoflife');
  return { lifecycle, feed, faults: faultsOf(lifecycle, feed) };
}

/** A mirror may have been filled today with what was old then, so what the feed knows of counts beside its own date. */
function faultsOf({ today, newestEntry }: Lifecycle, feed: FeedReading | undefined): readonly string[] {
  if (feed === undefined) return [];
  if (feed.state !== 'fresh')
    return [`The feed endoflife is ${feed.state}: ${feed.reason ?? 'no reason is known'}. ${UPDATE}`];
  if (newestEntry === undefined) return [`The feed endoflife knows of nothing that came out. ${UPDATE}`];
  const age = (Date.parse(today) - Date.parse(newestEntry)) / DAY;
  return age <= feed.maxAgeDays
    ? []
    : [
        `The feed endoflife is too old: it knows of nothing that came out after ${newestEntry}, ${age} days ago (${feed.maxAgeDays} are allowed). ${UPDATE}`,
      ];
}

/** Gives what a release document says of support; undefined where no calendar is at hand that is young enough to be quoted. */
export async function supportOf(
  release: string,
  loaded: Pick<Loaded, 'read'>,
  world: World,
): Promise<SupportRecord | undefined> {
  const opened = await openLifecycle(loaded, world).catch((error: unknown) => {
    if (error instanceof CompatibilityError) return undefined;
    throw error;
  });
  const window = opened?.lifecycle.lines.find(({ line }) => line === lineOf(release));
  if (opened === undefined || opened.faults.length > 0 || window === undefined) return undefined;
  const { kubernetes, until } = window;
  return { supported: [...kubernetes], ...(until === undefined ? {} : { until }) };
}

/** Gives the verdicts of tests that release documents hold. */
export function cellsOf(documents: readonly ReleaseDocument[]): readonly CompatibilityCell[] {
  return documents.flatMap(({ revision, publication }) =>
    (publication?.compatibility ?? []).map((record) => ({ ...record, revision, versions: {} })),
  );
}

/** Gives the cells of tests that lie beside release documents, as `oakum compat test` leaves them. */
export async function keptCells(
  documents: readonly Pick<FoundDocument, 'folder' | 'document'>[],
): Promise<readonly CompatibilityCell[]> {
  const kept = documents.map(async ({ folder, document }) => {
    const read = folder === undefined ? [] : await readCells(folder);
    const cells = read.filter((cell) => cell.revision === document.revision);
    return cells.map((cell) => {
      const context = { images: digestsOf(document, cell.channel), newestPatch: undefined };
      return { ...cell, outdated: staleReasons(cell, context) };
    });
  });
  return (await Promise.all(kept)).flat();
}

/** Gives the indexes of a channel's images by component, as a cell names what it was made with. */
export function digestsOf({ channels }: ReleaseDocument, channel: string): Readonly<Record<string, Digest>> {
  return Object.fromEntries((channels[channel]?.images ?? []).map(({ component, digest }) => [component, digest]));
}

/** What the lock and documents name of our revisions, the newest of each line. */
export interface OwnLines {
  readonly revisionOf: (line: string) => string | undefined;
  /** Lines that are built here and that no calendar has, as sentences. */
  readonly unknownTo: (lifecycle: Lifecycle) => readonly string[];
}

/** Finds our own lines, and the newest revision of each, by the lock and by documents. */
export function ownLines(lock: Loaded['lock'], documents: readonly ReleaseDocument[]): OwnLines {
  const names = [
    ...Object.keys(lock?.releases ?? {}).map((release) => `${release}-r0`),
    ...Object.keys(lock?.revisions ?? {}),
    ...documents.map(({ revision }) => revision),
  ];
  const known = names
    .map((name) => ({ name, revision: parseRevision(name) }))
    .filter((one): one is { name: string; revision: Revision } => one.revision !== undefined)
    .sort((a, b) => orderRevisions(a.revision, b.revision));
  const newest = new Map(known.map(({ name, revision }) => [lineOf(revision.release), name]));
  return {
    revisionOf: (line) => newest.get(line),
    unknownTo: ({ lines }) =>
      [...newest]
        .filter(([name]) => !lines.some(({ line }) => line === name))
        .map(([line, revision]) => `${revision} is built here, and the calendar of Flux has no line ${line}`),
  };
}
