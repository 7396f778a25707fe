// SPDX-License-Identifier: Apache-2.0
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, hexOf, Measure } from '#core';
import { CacheError, toDiskError } from './error.ts';

/** Large enough for speed; larger ones pile up as garbage outside of V8's sight. */
const READ_BYTES = 256 << 10;

/** Bytes known by what they are: digest and size. */
export interface Blob {
  readonly digest: Digest;
  readonly size: number;
}

/** A blob on disk. The path may be read, never written; what is read there is not checked, {@link Blobs.read} checks. */
export interface StoredBlob extends Blob {
  readonly path: string;
}

/** What is known of bytes before they come; each that is given is enforced while they stream. */
export interface PutOptions {
  readonly digest?: Digest;
  readonly size?: number;
  readonly maxBytes?: number;
}

/** The content-addressed part of the cache. */
export interface Blobs {
  /** Streams bytes to disk; throws `CACHE_DIGEST_MISMATCH` or `CACHE_TOO_LARGE`, leaving nothing, when they are not what was said. */
  put(bytes: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredBlob>;
  /** Takes over a finished file (same disk), which must be a plain file of one name, not a link; hashes it once. */
  adopt(path: string, options?: PutOptions): Promise<StoredBlob>;
  /** Finds a blob by digest and marks it as used; undefined when absent. Does not read it. */
  find(digest: Digest): Promise<StoredBlob | undefined>;
  /** Streams a blob, checking it to the last byte; a damaged one is removed and throws `CACHE_CORRUPT`, an absent one `CACHE_MISSING`. */
  read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined>;
  remove(digest: Digest): Promise<void>;
}

/** Gives the blobs below `folder`; `temporary` names a fresh path on the same disk for each call. */
export function openBlobs(folder: string, temporary: () => string): Blobs {
  const pathOf = (digest: Digest) => join(folder, hexOf(digest).slice(0, 2), hexOf(digest));

  async function settle(path: string, blob: Blob, options: PutOptions): Promise<StoredBlob> {
    check(blob, options);
    const final = pathOf(blob.digest);
    await mkdir(dirname(final), { recursive: true });
    await rename(path, final);
    return { ...blob, path: final };
  }

  async function find(digest: Digest): Promise<StoredBlob | undefined> {
    const path = pathOf(digest);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) return undefined;
    const now = new Date();
    await utimes(path, now, now).catch(() => {}); // read-only caches still serve
    return { digest, size: found.size, path };
  }

  const blobs: Blobs = {
    find,
    async put(bytes, options = {}) {
      const path = temporary();
      try {
        return await settle(path, await writeMeasured(path, bytes, options), options);
      } catch (error) {
        await rm(path, { force: true });
        throw toDiskError(error, folder);
      }
    },
    async adopt(path, options = {}) {
      return settle(path, await measurePlainFile(path), options);
    },
    async *read(digest) {
      const stored = await find(digest);
      if (stored === undefined)
        throw new CacheError('CACHE_MISSING', `the cache does not hold ${digest}`, { where: folder });
      const sum = new Measure();
      for await (const chunk of createReadStream(stored.path, { highWaterMark: READ_BYTES })) {
        sum.update(chunk as Buffer);
        yield chunk as Buffer;
      }
      if (sum.digest() === digest) return;
      await blobs.remove(digest);
      throw new CacheError('CACHE_CORRUPT', `a cached file was damaged on disk and has been removed: ${digest}`, {
        where: stored.path,
        hint: 'Run the command again: it makes the file anew. If this recurs, check the disk.',
      });
    },
    remove: async (digest) => rm(pathOf(digest), { force: true }),
  };
  return blobs;
}

async function writeMeasured(path: string, bytes: AsyncIterable<Uint8Array>, options: PutOptions): Promise<Blob> {
  const sum = new Measure();
  const most = Math.min(options.maxBytes ?? Number.POSITIVE_INFINITY, options.size ?? Number.POSITIVE_INFINITY);
  const file = await open(path, 'wx', 0o644);
  try {
    for await (const chunk of bytes) {
      sum.update(chunk);
      if (sum.size > most) throw new CacheError('CACHE_TOO_LARGE', `more than the ${most} bytes that were expected`);
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  return { digest: sum.digest(), size: sum.size };
}

/** What a step left may be a link to anywhere, or a file that has another name elsewhere: neither becomes a blob. */
async function measurePlainFile(path: string): Promise<Blob> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.nlink !== 1) {
      throw new CacheError('CACHE_DIGEST_MISMATCH', 'what was to be taken into the cache is no plain file of its own', {
        where: path,
      });
    }
    const sum = new Measure();
    for await (const chunk of file.createReadStream({ highWaterMark: READ_BYTES, autoClose: false })) {
      sum.update(chunk as Buffer);
    }
    return { digest: sum.digest(), size: sum.size };
  } finally {
    await file.close();
  }
}

function check(blob: Blob, options: PutOptions): void {
  if (options.size !== undefined && blob.size !== options.size) {
    throw new CacheError('CACHE_DIGEST_MISMATCH', `${blob.size} bytes came where ${options.size} were expected`);
  }
  if (options.digest !== undefined && blob.digest !== options.digest) {
    throw new CacheError('CACHE_DIGEST_MISMATCH', `the bytes have digest ${blob.digest}, expected ${options.digest}`);
  }
}
