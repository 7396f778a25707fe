// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, hexOf, isDigest, replaceFile } from '#core';
import { readableJson } from '#formats';
import { VulnerabilityError } from '../error.ts';
import type { FeedName } from './feed.ts';

/** A file of a snapshot. */
export interface HeldFile {
  readonly size: number;
  readonly digest: Digest;
}

/** What is held of a feed: an immutable folder of files, named by its digest. Times are ISO 8601 in UTC. */
export interface HeldFeed {
  readonly digest: Digest;
  readonly fetchedAt: string;
  readonly asOf?: string;
  readonly source: string;
  readonly count: number;
  /** Advisories by OSV ecosystem. */
  readonly ecosystems: Readonly<Record<string, number>>;
  readonly files: Readonly<Record<string, HeldFile>>;
  /** For the next update: what to send for each place, so that it need not be sent again. Not part of the digest. */
  readonly validators: Readonly<Record<string, string>>;
}

/** The record of a feed, `record.json` in its folder: what is held, and how the last update went. */
export interface FeedRecord {
  readonly version: 1;
  readonly name: FeedName;
  readonly held?: HeldFeed;
  readonly checkedAt?: string;
  readonly failure?: { readonly at: string; readonly code: string; readonly message: string };
}

/** Gives the folder of a feed below the data folder. */
export function feedFolder(dataFolder: string, name: FeedName): string {
  return join(dataFolder, 'feeds', name);
}

/** Gives the folder of a snapshot. */
export function snapshotFolder(dataFolder: string, name: FeedName, digest: Digest): string {
  return join(feedFolder(dataFolder, name), hexOf(digest));
}

/** Reads a feed's record; undefined where there is none. Throws `FEED_DAMAGED` for one that can't be read. */
export function readRecord(dataFolder: string, name: FeedName): FeedRecord | undefined {
  const path = join(feedFolder(dataFolder, name), 'record.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw damaged(path);
  }
  try {
    const record = JSON.parse(text) as FeedRecord;
    const isGood =
      record.version === 1 && record.name === name && (record.held === undefined || isDigest(record.held.digest));
    if (isGood) return record;
  } catch {
    // Falls through: it is damaged either way.
  }
  throw damaged(path);
}

/** Writes a feed's record, whole or not at all. */
export async function writeRecord(dataFolder: string, record: FeedRecord): Promise<void> {
  const text = readableJson(JSON.parse(JSON.stringify(record)));
  await replaceFile(join(feedFolder(dataFolder, record.name), 'record.json'), text);
}

/** Gives what is wrong with the files of a snapshot by their sizes; undefined where nothing is. */
export function snapshotFault(dataFolder: string, name: FeedName, held: HeldFeed): string | undefined {
  return faultOf(snapshotFolder(dataFolder, name, held.digest), held.files);
}

/** Says whether a folder holds these files, by their sizes. */
export function isWhole(folder: string, files: HeldFeed['files']): boolean {
  return faultOf(folder, files) === undefined;
}

function faultOf(folder: string, files: HeldFeed['files']): string | undefined {
  for (const [file, { size }] of Object.entries(files)) {
    const found = statSync(join(folder, file), { throwIfNoEntry: false });
    if (found === undefined) return `its file ${file} is gone`;
    if (found.size !== size) return `its file ${file} is damaged`;
  }
  return undefined;
}

/** The error for a file of ours that is not as it was written. */
export function damaged(where: string): VulnerabilityError {
  return new VulnerabilityError('FEED_DAMAGED', 'a stored feed is damaged', {
    where,
    hint: 'Run `oakum feeds update`: it is fetched anew.',
  });
}
