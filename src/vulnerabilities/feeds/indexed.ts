// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { VulnerabilityError } from '../error.ts';
import { checkAdvisory, readAdvisory, type StoredAdvisory } from './advisory-record.ts';
import { type FeedContext, getFile, readFound } from './context.ts';
import type { FeedFile, FoundFile } from './origin.ts';
import { openFoundZip } from './zip-file.ts';

/** More changes than this are fetched as one zip rather than file by file. */
const MAX_SINGLE = 300;
const CONCURRENCY = 8;

/** Limits of one advisory and of a database of them; the Go database is 6 MB, OSV's Go part about 40. */
export const ADVISORY_LIMIT = 4 << 20;
export const ZIP_LIMITS = {
  maxBytes: 256 << 20,
  maxContent: 192 << 20,
  maxEntry: ADVISORY_LIMIT,
  maxEntries: 200_000,
};

/** Advisories by id. */
export type Advisories = ReadonlyMap<string, StoredAdvisory>;

/** What an index promises, and where its advisories come from. */
export interface IndexedSource {
  /** Each id and when it was last modified. */
  readonly wanted: ReadonlyMap<string, string>;
  readonly held: Advisories;
  /** The file of one advisory. */
  fileOf(id: string): FeedFile;
  /** All at once, for a first or a large update; undefined where there is no such file. */
  all(): Promise<Advisories | undefined>;
}

/**
 * Gives what the index lists: held advisories where they have not changed, the others fetched. Throws `FEED_INVALID`
 * where an advisory is older than the index says, or has another id.
 */
export async function collectIndexed(context: FeedContext, source: IndexedSource): Promise<Advisories> {
  const changed = [...source.wanted].filter(([id, modified]) => isNewer(modified, source.held.get(id)?.modified));
  if (changed.length > MAX_SINGLE) {
    const all = await source.all();
    if (all !== undefined) return all;
  }
  const limit = pLimit(CONCURRENCY);
  const fetched = await Promise.all(
    changed.map(([id, modified]) =>
      limit(async () => {
        const found = await getFile(context, source.fileOf(id));
        const advisory = readAdvisory(await readFound(found, ADVISORY_LIMIT), found.where);
        if (advisory.id !== id || isNewer(modified, advisory.modified)) {
          throw new VulnerabilityError(
            'FEED_INVALID',
            `its index names ${id} of ${modified}, it holds ${advisory.id} of ${advisory.modified}`,
            {
              where: found.where,
              hint: 'The mirror may be in the middle of an update: try again later.',
            },
          );
        }
        return [id, advisory] as const;
      }),
    ),
  );
  const fresh = new Map(fetched);
  const collected = new Map<string, StoredAdvisory>();
  for (const id of source.wanted.keys()) {
    const advisory = fresh.get(id) ?? source.held.get(id);
    if (advisory !== undefined) collected.set(id, advisory);
  }
  return collected;
}

/** Reads the advisories of a zip; `select` says which files are some. Throws `FEED_INVALID` and `FEED_TOO_LARGE`. */
export async function readAdvisoryZip(
  context: FeedContext,
  found: FoundFile,
  select: (name: string) => boolean,
): Promise<{ readonly advisories: Advisories; readonly file: (name: string) => Buffer | undefined }> {
  const zip = await openFoundZip(found, context.draft.scratch, ZIP_LIMITS);
  try {
    const advisories = new Map<string, StoredAdvisory>();
    const others = new Map<string, Buffer>();
    for (const entry of zip.entries) {
      const where = `${found.where}!${entry.name}`;
      if (!select(entry.name)) {
        if (entry.name.startsWith('index/')) others.set(entry.name, zip.read(entry));
        continue;
      }
      const advisory = readAdvisory(zip.read(entry), where);
      if (!entry.name.endsWith(`${advisory.id}.json`) || advisories.has(advisory.id))
        throw new VulnerabilityError('FEED_INVALID', `it holds the advisory ${advisory.id}, which belongs elsewhere`, {
          where,
        });
      advisories.set(advisory.id, advisory);
    }
    return { advisories, file: (name) => others.get(name) };
  } finally {
    zip.close();
  }
}

/** Gives the advisories that are held in some sets of lines, by id. */
export function readHeldAdvisories(context: FeedContext, sets: readonly string[]): Map<string, StoredAdvisory> {
  const held = new Map<string, StoredAdvisory>();
  for (const set of sets) {
    for (const value of context.heldLines(set).all()) {
      const advisory = checkAdvisory(value, set);
      held.set(advisory.id, advisory);
    }
  }
  return held;
}

function isNewer(modified: string, held: string | undefined): boolean {
  return held === undefined || Date.parse(modified) > Date.parse(held);
}
