// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompress } from './decompress.ts';
import { zstd } from './zstd.ts';

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const sample = Buffer.concat(
  Array.from({ length: 90_000 }, (_, at) =>
    createHash('sha256')
      .update(String(at % 50_000))
      .digest(),
  ),
);

describe('the zstd writer', () => {
  it('gives what zstd unpacks to the input', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 900 }), async (bytes, size) => {
        const packed = await collect(zstd(chunked(bytes, size)));
        expect(zstdDecompressSync(packed).equals(bytes)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('gives the same bytes for any chunking', async () => {
    const whole = await collect(zstd(chunked(sample, sample.length)));
    for (const size of [1 << 20, 65_536, 999_983]) {
      expect((await collect(zstd(chunked(sample, size)))).equals(whole), `chunks of ${size}`).toBe(true);
    }
  });

  it('writes one frame and no empty one after it', async () => {
    const packed = await collect(zstd(chunked(sample, 1 << 20)));
    const magic = Buffer.from('28b52ffd', 'hex');
    expect(packed.indexOf(magic)).toBe(0);
    expect(packed.subarray(-13).includes(magic)).toBe(false);
    const limits = { compression: 'zstd', maxBytes: sample.length, where: 'test' } as const;
    expect((await collect(decompress(chunked(packed, 70_000), limits))).equals(sample)).toBe(true);
  });

  it("stops with the input's own error", async () => {
    const broken = async function* () {
      yield sample;
      throw new Error('the disk is gone');
    };
    await expect(collect(zstd(broken()))).rejects.toThrow('the disk is gone');
  });
});
