// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { changedKeys } from './changes.ts';
import type { FeedName } from './feed.ts';
import { lineFiles, type LineReader, openLines } from './lines.ts';
import { damaged, type HeldFeed, readRecord, snapshotFolder } from './record.ts';

/** The snapshot of a feed that was current when it was opened. */
export interface Snapshot {
  readonly folder: string;
  readonly held: HeldFeed;
  lines(name: string): LineReader;
}

/** Opens the current snapshot of a feed; undefined where none is held. */
export function openSnapshot(dataFolder: string, name: FeedName): Snapshot | undefined {
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

/** Compares a snapshot with that in another folder, ecosystem by ecosystem; only those with changes are listed. */
export function changesOf(snapshot: Snapshot, before: string): ReadonlyMap<string, ReadonlySet<string>> | undefined {
  if (before === snapshot.folder) return new Map();
  if (!existsSync(before)) return undefined;
  const has = (folder: string, set: string) => existsSync(join(folder, lineFiles(set).keys));
  const old = readdirSync(before).flatMap((file) => (file.endsWith('.keys.json') ? [setNameOf(file)] : []));
  const changes = new Map<string, ReadonlySet<string>>();
  for (const set of new Set([...old, ...Object.keys(snapshot.held.ecosystems)])) {
    const lines = has(snapshot.folder, set) ? snapshot.lines(set) : undefined;
    const keys = changedKeys(has(before, set) ? openLines(before, set) : undefined, lines);
    if (keys.size > 0) changes.set(set, keys);
  }
  return changes;
}

function setNameOf(file: string): string {
  return decodeURIComponent(file.slice(0, -'.keys.json'.length));
}

/** Reads a file of a snapshot whole; undefined without a snapshot. Throws `FEED_DAMAGED` where it does not have its size. */
export function readSnapshotFile(snapshot: Snapshot | undefined, file: string): Buffer | undefined {
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

/** Opens a file of a snapshot, to read parts of it; undefined without a snapshot. Throws `FEED_DAMAGED` as {@link readSnapshotFile} does. */
export function openSnapshotFile(
  snapshot: Snapshot | undefined,
  file: string,
): { readonly size: number; read(offset: number, length: number): Buffer; close(): void } | undefined {
  if (snapshot === undefined) return undefined;
  const path = join(snapshot.folder, file);
  const size = snapshot.held.files[file]?.size ?? -1;
  let opened: number;
  try {
    opened = openSync(path, 'r');
  } catch {
    throw damaged(path);
  }
  const close = () => closeSync(opened);
  if (fstatSync(opened).size === size) {
    const read = (offset: number, length: number) => {
      const bytes = Buffer.allocUnsafe(length);
      if (readSync(opened, bytes, 0, length, offset) !== length) throw damaged(path);
      return bytes;
    };
    return { size, read, close };
  }
  close();
  throw damaged(path);
}

/** Parses a JSON file of a snapshot. Throws `FEED_DAMAGED`. */
export function parseSnapshotJson(bytes: Buffer, file: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw damaged(file);
  }
}
