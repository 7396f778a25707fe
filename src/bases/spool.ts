// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, createReadStream, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Cache, CacheError } from '#cache';
import { type Digest, digestOf, Measure } from '#core';

/** Where a file's bytes lie in a package's spool, and what they must be. */
export interface Slice {
  readonly spool: Digest;
  readonly offset: number;
  readonly size: number;
  readonly digest: Digest;
}

/** Up to here a slice is read in one go: most files of a package are small, and a stream of its own costs each more than its bytes. */
const SMALL = 256 << 10;

/** Streams one slice, checking it to the last byte; a damaged spool is removed and throws `CACHE_CORRUPT`. */
export async function* streamSlice(cache: Cache, slice: Slice): AsyncGenerator<Uint8Array, void, undefined> {
  if (slice.size <= SMALL) {
    const content = readSmall(await knownPath(cache, slice.spool), slice);
    if (digestOf(content) !== slice.digest) throw await damaged(cache, slice.spool);
    if (slice.size > 0) yield content;
    return;
  }
  const sum = new Measure();
  if (slice.size > 0) {
    const end = slice.offset + slice.size - 1;
    const path = await pathOf(cache, slice.spool);
    for await (const chunk of createReadStream(path, { start: slice.offset, end, highWaterMark: 1 << 18 })) {
      sum.update(chunk as Buffer);
      yield chunk as Buffer;
    }
  }
  if (sum.digest() !== slice.digest) throw await damaged(cache, slice.spool);
}

/** Reads small slices of one spool whole, through one open file; checked as {@link streamSlice} does. */
export async function readSlices(cache: Cache, spool: Digest, slices: readonly Slice[]): Promise<readonly Buffer[]> {
  const file = await open(await pathOf(cache, spool), 'r');
  try {
    const contents: Buffer[] = [];
    for (const { offset, size, digest } of slices) {
      const content = Buffer.alloc(size);
      await file.read(content, 0, size, offset);
      if (digestOf(content) !== digest) throw await damaged(cache, spool);
      contents.push(content);
    }
    return contents;
  } finally {
    await file.close();
  }
}

/** Where spools lie, by cache: asking for each of thousands of files would cost more than reading them. */
const paths = new WeakMap<Cache, Map<Digest, string>>();

async function knownPath(cache: Cache, spool: Digest): Promise<string> {
  const known = paths.get(cache) ?? new Map<Digest, string>();
  paths.set(cache, known);
  const path = known.get(spool) ?? (await pathOf(cache, spool));
  known.set(spool, path);
  return path;
}

/** Reads what is there; nothing of a spool that has gone, which its digest tells. */
function readSmall(path: string, { offset, size }: Slice): Buffer {
  const content = Buffer.allocUnsafe(size);
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY);
    return content.subarray(0, readSync(file, content, 0, size, offset));
  } catch {
    return Buffer.from('gone');
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function pathOf(cache: Cache, spool: Digest): Promise<string> {
  const stored = await cache.blobs.find(spool);
  if (stored !== undefined) return stored.path;
  throw new CacheError('CACHE_MISSING', `the unpacked files of a package have left the cache: ${spool}`, {
    hint: 'Run the command again: it unpacks the package anew.',
  });
}

async function damaged(cache: Cache, spool: Digest): Promise<CacheError> {
  await cache.blobs.remove(spool);
  return new CacheError('CACHE_CORRUPT', `the unpacked files of a package were damaged on disk and have been removed`, {
    where: spool,
    hint: 'Run the command again: it unpacks the package anew. If this recurs, check the disk.',
  });
}
