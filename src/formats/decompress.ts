// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf } from '#core';
import { openByteReader } from './byte-reader.ts';
import { FormatError } from './error.ts';
import { zstdFrames } from './zstd-frames.ts';

/** The compressions Oakum reads. */
export type Compression = 'none' | 'gzip' | 'xz' | 'zstd';

/** How much may come out, and the name used in errors. */
export interface DecompressOptions {
  readonly compression: Compression;
  /** The most bytes that may come out; one more throws `DECOMPRESS_TOO_LARGE`. */
  readonly maxBytes: number;
  readonly where: string;
}

/** Takes a file name; gives the compression its ending names (`none` where it names no other). */
export function compressionOf(name: string): Compression {
  if (name.endsWith('.gz') || name.endsWith('.tgz')) return 'gzip';
  if (name.endsWith('.xz')) return 'xz';
  return name.endsWith('.zst') ? 'zstd' : 'none';
}

/**
 * Decompresses a stream to its very end: all members of a gzip (RFC 1952 2.2), all streams of an xz, all frames of a
 * zstd file (RFC 8878 3.1). Bytes cut short, trailing junk and wrong checksums throw `DECOMPRESS_INVALID`, output past
 * the limit throws `DECOMPRESS_TOO_LARGE`, so a bomb costs the limit and no more. Memory stays bounded.
 */
export async function* decompress(
  bytes: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of expand(bytes, options)) {
    size += chunk.byteLength;
    if (size > options.maxBytes) {
      throw new FormatError(
        'DECOMPRESS_TOO_LARGE',
        `unpacked, this is more than the ${options.maxBytes} bytes allowed`,
        {
          where: options.where,
        },
      );
    }
    if (chunk.byteLength > 0) yield chunk;
  }
}

function expand(bytes: AsyncIterable<Uint8Array>, options: DecompressOptions): AsyncIterable<Uint8Array> {
  const source = watchSource(bytes);
  const expanded = {
    none: () => source.bytes,
    gzip: () => through(source.bytes, createGunzip({ chunkSize: 1 << 17 })),
    xz: () => expandXz(source.bytes),
    zstd: () => expandZstd(source.bytes, options.where),
  }[options.compression]();
  return relabel(expanded, source, options);
}

/** Tells an error of the input (kept as it is) from one of the decompressor (bad bytes). */
interface Source {
  readonly bytes: AsyncIterable<Uint8Array>;
  failure(): unknown;
}

function watchSource(bytes: AsyncIterable<Uint8Array>): Source {
  let failure: unknown;
  return {
    failure: () => failure,
    bytes: (async function* () {
      try {
        yield* bytes;
      } catch (error) {
        failure = error;
        throw error;
      }
    })(),
  };
}

async function* relabel(
  expanded: AsyncIterable<Uint8Array>,
  source: Source,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* expanded;
  } catch (error) {
    if (source.failure() !== undefined) throw source.failure();
    if (error instanceof FormatError) throw error;
    throw new FormatError('DECOMPRESS_INVALID', `damaged or cut ${options.compression} data (${messageOf(error)})`, {
      where: options.where,
      cause: error,
    });
  }
}

async function* through(
  bytes: AsyncIterable<Uint8Array>,
  transform: NodeJS.ReadWriteStream & AsyncIterable<Uint8Array> & { destroy(error?: Error): unknown },
): AsyncGenerator<Uint8Array, void, undefined> {
  const input = Readable.from(bytes, { objectMode: false });
  input.on('error', (error) => transform.destroy(error));
  input.pipe(transform);
  try {
    yield* transform;
  } finally {
    input.destroy();
    transform.destroy();
  }
}

/**
 * The stream form of the library, which holds its input back while nobody reads; its class form collects the output
 * of all that was fed, 56 MB for a package index and without bound for a bomb.
 */
async function* expandXz(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const { createDecompressStream } = await import('@napi-rs/lzma/xz');
  yield* through(bytes, createDecompressStream());
}

/** Node's zstd stops after the first frame, and some releases accept a cut one, so the frames are found here. */
async function* expandZstd(
  bytes: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = openByteReader(bytes);
  try {
    for await (const frame of zstdFrames(reader, where)) yield* through(frame, createZstdDecompress());
  } finally {
    await reader.close();
  }
}
