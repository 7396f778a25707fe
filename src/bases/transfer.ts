// SPDX-License-Identifier: Apache-2.0
import { CacheError, type StoredBlob } from '#cache';
import {
  type Digest,
  discard,
  HttpError,
  type HttpResponse,
  limitedBody,
  messageOf,
  readBody,
  retryDelay,
} from '#core';
import type { BaseError } from './error.ts';
import type { DebianOptions } from './types.ts';

const ATTEMPTS = 3;

/** What a transfer needs of the world. */
export type Transfer = Pick<DebianOptions, 'http' | 'cache' | 'clock' | 'signal'>;

/** Reads a small file whole; undefined where the server has none (404, 410). Throws {@link HttpError}. */
export async function getFile(world: Transfer, url: string, maxBytes: number): Promise<Buffer | undefined> {
  return repeat(world, async () => {
    const response = await request(world, url);
    return response === undefined ? undefined : readBody(response, maxBytes);
  });
}

/** What a file must be. Where the digest is not known yet, whoever asks must prove what came by other means. */
export interface ExpectedFile {
  readonly digest?: Digest;
  readonly size: number;
  differs(url: string, cause: unknown): BaseError;
}

/**
 * Fetches a file into the cache from the first of some addresses that has it; undefined where none has (404, 410). The first failure is
 * thrown where no other address gave it.
 */
export async function getBlobFromAny(
  world: Transfer,
  urls: readonly string[],
  expected: ExpectedFile,
): Promise<StoredBlob | undefined> {
  const failures: Error[] = [];
  for (const url of urls) {
    try {
      const blob = await getBlob(world, url, expected);
      if (blob !== undefined) return blob;
    } catch (error) {
      world.signal?.throwIfAborted();
      failures.push(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }
  if (failures[0] !== undefined) throw failures[0];
  return undefined;
}

/**
 * Fetches a file of known size, and mostly digest, into the cache; undefined where the server has none (404, 410).
 * Other bytes than the ones expected throw `differs()`; a body that breaks off is tried again.
 */
export async function getBlob(world: Transfer, url: string, expected: ExpectedFile): Promise<StoredBlob | undefined> {
  return repeat(world, async () => {
    const response = await request(world, url);
    if (response === undefined) return undefined;
    const { digest, size } = expected;
    try {
      const known = digest === undefined ? {} : { digest };
      return await world.cache.blobs.put(limitedBody(response, size), { ...known, size });
    } catch (error) {
      const tooLarge = error instanceof HttpError && error.code === 'HTTP_TOO_LARGE';
      const other = error instanceof CacheError && ['CACHE_DIGEST_MISMATCH', 'CACHE_TOO_LARGE'].includes(error.code);
      throw tooLarge || other ? expected.differs(url, error) : error;
    }
  });
}

async function request(world: Transfer, url: string): Promise<HttpResponse | undefined> {
  const response = await world.http({ url, ...(world.signal ? { signal: world.signal } : {}) });
  if (response.status === 200) return response;
  await discard(response);
  if (response.status === 404 || response.status === 410) return undefined;
  throw new HttpError('HTTP_STATUS', `the mirror answered ${response.status}`, {
    where: url,
    status: response.status,
    hint: 'Check the address of the mirror, and any proxy before it.',
  });
}

/** A body that breaks off half way is no news about what the server holds, so it is asked again. */
async function repeat<T>(world: Transfer, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      world.signal?.throwIfAborted();
      if (attempt >= ATTEMPTS || !(error instanceof HttpError) || error.code !== 'HTTP_BODY_CUT') throw error;
      await world.clock.sleep(retryDelay(attempt, world.clock), world.signal);
    }
  }
}
