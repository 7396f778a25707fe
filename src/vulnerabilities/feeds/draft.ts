// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Digest, digestOf, hexOf, Measure } from '#core';
import { canonicalJson } from '#formats';
import type { FeedName } from './feed.ts';
import { stableJson } from './json.ts';
import { type ByteRange, lineFiles } from './lines.ts';
import { feedFolder, type HeldFile, snapshotFolder } from './record.ts';

const CHUNK = 1 << 20;
/** Snapshots that neither the record nor the one before it names stay this long, for those who are reading them. */
const GRACE_MILLISECONDS = 3_600_000;

/** One record to keep: its value, the keys that find it, and its ids and aliases. */
export interface Line {
  readonly value: unknown;
  readonly keys: readonly string[];
  readonly ids: readonly string[];
}

/** A set of lines being written, in the order given. */
export interface LineWriter {
  add(line: Line): Promise<void>;
  readonly count: number;
}

/** A snapshot being written, in a folder of its own. */
export interface Draft {
  /** A folder for downloads; gone with the draft. */
  readonly scratch: string;
  lines(name: string): Promise<LineWriter>;
  write(name: string, content: Uint8Array): Promise<void>;
  /** Closes everything; gives the files and the digest over their names and digests. */
  seal(): Promise<{ readonly digest: Digest; readonly files: Readonly<Record<string, HeldFile>> }>;
  /** Moves the sealed files to where the digest says. */
  keep(): Promise<void>;
  /** Removes whatever was not kept. */
  discard(): Promise<void>;
}

/** Starts a snapshot of a feed below the data folder. */
export async function openDraft(dataFolder: string, name: FeedName): Promise<Draft> {
  const root = join(feedFolder(dataFolder, name), `tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  const folder = join(root, 'snapshot');
  await mkdir(folder, { recursive: true });
  const files: Record<string, HeldFile> = {};
  const writers: { close(): Promise<void> }[] = [];
  let digest: Digest | undefined;

  async function write(file: string, content: Uint8Array): Promise<void> {
    const writer = await openFile(join(folder, file));
    await writer.append(content);
    files[file] = await writer.close();
  }

  return {
    scratch: root,
    write,
    async lines(set) {
      const names = lineFiles(set);
      const writer = createLineWriter(await openFile(join(folder, names.lines)));
      writers.push({
        async close() {
          const { file, keys, ids } = await writer.close();
          files[names.lines] = file;
          await write(names.keys, Buffer.from(stableJson(keys)));
          await write(names.ids, Buffer.from(stableJson(ids)));
        },
      });
      return writer;
    },
    async seal() {
      for (const writer of writers) await writer.close();
      digest = digestOf(
        canonicalJson(Object.fromEntries(Object.entries(files).map(([file, held]) => [file, held.digest]))),
      );
      return { digest, files };
    },
    async keep() {
      if (digest === undefined) throw new Error('keep() comes after seal()');
      const target = snapshotFolder(dataFolder, name, digest);
      // Another run may have written the same; a damaged one of that name gives way.
      await rm(target, { recursive: true, force: true });
      await rename(folder, target);
    },
    discard: () => rm(root, { recursive: true, force: true }),
  };
}

/** Removes a feed's snapshots but those named, and what dead runs left; what is younger than an hour at `now` stays. */
export async function removeOldSnapshots(
  dataFolder: string,
  name: FeedName,
  options: { readonly keep: readonly Digest[]; readonly now: Date },
): Promise<void> {
  const folder = feedFolder(dataFolder, name);
  const kept = new Set(options.keep.map(hexOf));
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || kept.has(entry.name)) continue;
    const path = join(folder, entry.name);
    const age = options.now.getTime() - (await stat(path).catch(() => ({ mtimeMs: Infinity }))).mtimeMs;
    if (age > GRACE_MILLISECONDS) await rm(path, { recursive: true, force: true });
  }
}

interface FileWriter {
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<HeldFile>;
}

async function openFile(path: string): Promise<FileWriter> {
  const file: FileHandle = await open(path, 'wx', 0o644);
  const measure = new Measure();
  let waiting: Uint8Array[] = [];
  let waitingSize = 0;
  const flush = async () => {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    waitingSize = 0;
    measure.update(bytes);
    await file.writeFile(bytes);
  };
  return {
    async append(bytes) {
      waiting.push(bytes);
      waitingSize += bytes.length;
      if (waitingSize >= CHUNK) await flush();
    },
    async close() {
      await flush();
      await file.sync();
      await file.close();
      return { digest: measure.digest(), size: measure.size };
    },
  };
}

function createLineWriter(file: FileWriter) {
  const keys = new Map<string, ByteRange[]>();
  const ids = new Map<string, ByteRange[]>();
  /** The keys whose last range may still grow: those of lines with no other key. */
  let growing: string | undefined;
  let offset = 0;
  let count = 0;
  const push = (index: Map<string, ByteRange[]>, key: string, range: ByteRange) => {
    const ranges = index.get(key);
    if (ranges === undefined) index.set(key, [range]);
    else ranges.push(range);
  };
  return {
    get count() {
      return count;
    },
    async add(line: Line): Promise<void> {
      const bytes = Buffer.from(`${stableJson(line.value)}\n`);
      const range: ByteRange = [offset, bytes.length, crc32(bytes)];
      const only = line.keys.length === 1 ? line.keys[0] : undefined;
      const last = only === undefined || only !== growing ? undefined : keys.get(only)?.pop();
      if (only !== undefined && last !== undefined)
        push(keys, only, [last[0], last[1] + bytes.length, crc32(bytes, last[2])]);
      else for (const key of line.keys) push(keys, key, range);
      growing = only;
      for (const id of line.ids) push(ids, id, range);
      offset += bytes.length;
      count += 1;
      await file.append(bytes);
    },
    async close() {
      return { file: await file.close(), keys: Object.fromEntries(keys), ids: Object.fromEntries(ids) };
    },
  };
}
