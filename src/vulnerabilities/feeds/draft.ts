// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, hexOf } from '#core';
import { canonicalJson } from '#formats';
import type { FeedName } from './feed.ts';
import { type FolderWriter, openFolder } from './folder-writer.ts';
import { createLineWriter, type LineWriter, type OpenLineWriter, writeIndex } from './line-writer.ts';
import { stableJson } from './json.ts';
import { lineFiles } from './lines.ts';
import { feedFolder, type HeldFile, isWhole, snapshotFolder } from './record.ts';

/** Snapshots that neither the record nor the one before it names stay this long, for those who are reading them. */
const GRACE_MILLISECONDS = 3_600_000;

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
  const writer = openFolder(folder);
  const sets = new Map<string, OpenLineWriter>();
  let digest: Digest | undefined;
  return {
    scratch: root,
    write: (file, content) => writer.write(file, content),
    async lines(set) {
      const lines = createLineWriter(await writer.create(lineFiles(set).lines), set);
      sets.set(set, lines);
      return lines;
    },
    async seal() {
      for (const [set, lines] of sets) await finish(writer, set, lines);
      const digests = Object.entries(writer.files).map(([file, held]) => [file, held.digest]);
      digest = digestOf(canonicalJson(Object.fromEntries(digests)));
      return { digest, files: writer.files };
    },
    async keep() {
      if (digest === undefined) throw new Error('keep() comes after seal()');
      const target = snapshotFolder(dataFolder, name, digest);
      // Another run may have written the same, and others may be reading it; a damaged one of that name gives way.
      if (isWhole(target, writer.files)) return;
      await rm(target, { recursive: true, force: true });
      await rename(folder, target).catch((error: unknown) => {
        if (!isWhole(target, writer.files)) throw error;
      });
    },
    async discard() {
      await writer.abandon();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function finish(writer: FolderWriter, set: string, lines: OpenLineWriter): Promise<void> {
  const names = lineFiles(set);
  const { file, keys, ids, clearFrom } = await lines.finish();
  writer.note(names.lines, file);
  writer.note(names.keys, await writeIndex(await writer.create(names.keys), keys));
  writer.note(names.ids, await writeIndex(await writer.create(names.ids), ids));
  if (clearFrom.size > 0) await writer.write(names.clear, Buffer.from(stableJson(Object.fromEntries(clearFrom))));
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
