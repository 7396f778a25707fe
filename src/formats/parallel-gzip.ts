// SPDX-License-Identifier: Apache-2.0
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, type ZlibOptions } from 'node:zlib';
import { fixedBlocks } from './chunks.ts';

/** Shape of the compressed stream. Other values give other bytes, so they are part of {@link GZIP_FORMAT}. */
export interface GzipOptions {
  /** zlib's level, 1 to 9. */
  readonly level?: number;
  /** Bytes of input per block; each is compressed by itself, with the 32 KiB before it as dictionary. */
  readonly blockSize?: number;
}

/** zlib's level by default; chosen by measurement, see docs/benchmarks.md "packaging". */
export const GZIP_LEVEL = 3;
/** Input bytes per block by default; see docs/benchmarks.md "packaging". */
export const GZIP_BLOCK = 1 << 20;
/** zlib's memLevel: the largest is a tenth faster than the usual 8 on Go binaries, for the same size. */
const MEMORY = 9;
/** Names how bytes are made, apart from zlib itself. Change the number with any change of the bytes. */
export const GZIP_FORMAT = `blocks-1/level-${GZIP_LEVEL}/memory-${MEMORY}/${GZIP_BLOCK}`;

const WINDOW = 32_768;
/** Blocks being compressed or waiting to be read: enough for a pool of four threads, and the bound of memory. */
const IN_FLIGHT = 8;
/** RFC 1952 2.3: deflate, no flags, no time, extra flags 0, OS unknown (255). Fixed, unlike zlib's own. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** RFC 1951 3.2.6: a last block with fixed codes that holds nothing but its end. */
const LAST_BLOCK = Buffer.from([3, 0]);

const deflate: (bytes: Uint8Array, options: ZlibOptions) => Promise<Buffer> = promisify(deflateRaw);

/**
 * Compresses a stream to one gzip member (RFC 1952), blocks in parallel on libuv's thread pool, as pigz does:
 * each block is deflated with the 32 KiB before it as dictionary and ends on a byte boundary (sync flush).
 * The bytes depend on the input and the options alone, not on chunking, thread count or timing. Memory is bounded;
 * a slow reader slows the writer. Throws what the input throws.
 */
export async function* parallelGzip(
  bytes: AsyncIterable<Uint8Array>,
  options: GzipOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const blockSize = options.blockSize ?? GZIP_BLOCK;
  const running: { readonly block: Buffer; readonly packed: Promise<Buffer> }[] = [];
  const free: Buffer[] = [];
  // Blocks are used again: new ones would pile up, as V8 sees little of their size, until it collects garbage.
  const allocate = () => free.pop() ?? Buffer.allocUnsafeSlow(blockSize);
  let done: Buffer | undefined;
  async function next(): Promise<Buffer> {
    const { block, packed } = running.shift() as (typeof running)[number];
    const bytes = await packed;
    if (done !== undefined) free.push(done); // it was this block's dictionary until now
    done = block;
    return bytes;
  }
  let sum = 0;
  let size = 0;
  let before: Buffer | undefined;
  yield HEADER;
  try {
    for await (const block of fixedBlocks(bytes, blockSize, allocate)) {
      running.push({ block, packed: deflateBlock(block, before, options.level ?? GZIP_LEVEL) });
      sum = crc32(block, sum);
      size += block.length;
      before = block.subarray(-WINDOW);
      if (running.length >= IN_FLIGHT) yield await next();
    }
    while (running.length > 0) yield await next();
  } finally {
    await Promise.allSettled(running.map(({ packed }) => packed)); // a reader that leaves, or an input that breaks, leaves no work behind
  }
  yield Buffer.concat([LAST_BLOCK, trailer(sum, size)]);
}

async function deflateBlock(block: Buffer, before: Buffer | undefined, level: number): Promise<Buffer> {
  return deflate(block, {
    level,
    memLevel: MEMORY,
    chunkSize: Math.max(65_536, block.length >> 1), // most blocks need one buffer, so one trip to the pool
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(before === undefined ? {} : { dictionary: before }),
  });
}

/** RFC 1952 2.3.1: CRC-32 and size modulo 2^32 of the input, little-endian. */
function trailer(sum: number, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(sum, 0);
  bytes.writeUInt32LE(size % 2 ** 32, 4);
  return bytes;
}
