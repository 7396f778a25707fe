// SPDX-License-Identifier: Apache-2.0
import { constants, createZstdCompress } from 'node:zlib';
import { fixedBlocks } from './chunks.ts';

/** zstd's level; its own default. */
export const ZSTD_LEVEL = 3;
/** Bytes given to the compressor at once. */
const BLOCK = 1 << 20;
/** Names how bytes are made, apart from the zstd library itself. Change the number with any change of the bytes. */
export const ZSTD_FORMAT = `frame-1/level-${ZSTD_LEVEL}/${BLOCK}`;

/**
 * Compresses a stream to one zstd frame (RFC 8878) with a content checksum, on libuv's thread pool. The input is cut
 * into fixed blocks and each is drained before the next, so the bytes do not depend on chunking or timing, and
 * Node's habit of adding an empty frame when writes queue can't show. No worker threads of zstd: they change the bytes.
 */
export async function* zstd(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const engine = createZstdCompress({
    chunkSize: 1 << 18,
    params: {
      [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
      [constants.ZSTD_c_checksumFlag]: 1,
      [constants.ZSTD_c_nbWorkers]: 0,
    },
  });
  const ready: Buffer[] = [];
  engine.on('data', (chunk: Buffer) => ready.push(chunk));
  try {
    for await (const block of fixedBlocks(bytes, BLOCK)) {
      await new Promise<void>((resolve, reject) => {
        engine.once('error', reject);
        engine.write(block, () => {
          engine.off('error', reject);
          resolve();
        });
      });
      yield* ready.splice(0);
    }
    await new Promise<void>((resolve, reject) => {
      engine.once('error', reject);
      engine.once('end', resolve);
      engine.end();
    });
    yield* ready.splice(0);
  } finally {
    engine.destroy();
  }
}
