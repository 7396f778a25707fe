// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Compression, compressionOf, decompress } from '#formats';

const PACK: Readonly<Record<Exclude<Compression, 'none'>, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  xz: (bytes) => Buffer.from(xz.compressSync(bytes)),
  zstd: (bytes) => zstdCompressSync(bytes),
};
const KINDS = Object.keys(PACK) as (keyof typeof PACK)[];
const TEXT = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `line ${index * 7919}\n`).join(''));

async function unpack(compression: Compression, packed: Uint8Array, maxBytes = 1 << 24, piece = 4096): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const pieces = (async function* () {
    for (let start = 0; start < packed.length; start += piece) yield packed.subarray(start, start + piece);
  })();
  for await (const chunk of decompress(pieces, { compression, maxBytes, where: 'test' })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe.each(KINDS)('the %s reader', (kind) => {
  const packed = PACK[kind](TEXT);

  test('gives the bytes back, however they are cut into chunks', async () => {
    for (const piece of [1 << 20, 4096, 61])
      expect((await unpack(kind, packed, 1 << 24, piece)).equals(TEXT)).toBe(true);
  });

  test('gives random bytes back', async () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        expect(await unpack(kind, PACK[kind](content))).toEqual(Buffer.from(content));
      }),
      { numRuns: 25 },
    );
  });

  test('reads concatenated streams to the end of the last', async () => {
    const both = Buffer.concat([packed, PACK[kind](Buffer.from('the second stream'))]);
    expect((await unpack(kind, both)).equals(Buffer.concat([TEXT, Buffer.from('the second stream')]))).toBe(true);
  });

  test('refuses a stream cut at any of many places', async () => {
    for (const length of [0, 1, 5, 11, packed.length >> 1, packed.length - 8, packed.length - 1]) {
      await expect(unpack(kind, packed.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
        code: 'DECOMPRESS_INVALID',
      });
    }
  });

  test('refuses a flipped byte and junk at the end', async () => {
    const damaged = Buffer.from(packed);
    const middle = packed.length >> 1;
    damaged[middle] = (damaged[middle] as number) ^ 0x55;
    if (kind !== 'zstd') await expect(unpack(kind, damaged)).rejects.toMatchObject({ code: 'DECOMPRESS_INVALID' });
    const junk = Buffer.concat([packed, Buffer.from('junk')]);
    await expect(unpack(kind, junk)).rejects.toMatchObject({ code: 'DECOMPRESS_INVALID' });
  });

  test('stops a bomb at the limit, and holds little of it in memory', async () => {
    const bomb = PACK[kind](Buffer.alloc(16 << 20));
    const bytes = Buffer.concat(Array.from({ length: 40 }, () => bomb)); // 640 MB unpacked
    await expect(unpack(kind, bytes, 8 << 20)).rejects.toMatchObject({ code: 'DECOMPRESS_TOO_LARGE' });
    const script = `import { decompress } from '#formats';
      const options = { compression: '${kind}', maxBytes: 8 << 20, where: 'test' };
      try { for await (const _ of decompress(process.stdin, options)); } catch (error) { console.log(error.code); }
      console.log(process.resourceUsage().maxRSS);`;
    const argv = ['--conditions=oakum-source', '--input-type=module', '--eval', script];
    const run = spawnSync(process.execPath, argv, { input: bytes, cwd: import.meta.dirname });
    const [code, kibibytes] = run.stdout.toString().trim().split('\n');
    expect(code, run.stderr.toString()).toBe('DECOMPRESS_TOO_LARGE');
    expect(Number(kibibytes)).toBeLessThan(300 * 1024);
  });

  test('passes an error of its input on unchanged', async () => {
    const broken = (async function* () {
      yield packed.subarray(0, 100);
      throw new RangeError('the wire broke');
    })();
    const read = async () => {
      for await (const _ of decompress(broken, { compression: kind, maxBytes: 1 << 24, where: 'test' }));
    };
    await expect(read()).rejects.toThrow(new RangeError('the wire broke'));
  });

  test('lets its input go when the reader stops early', async () => {
    let released = false;
    const endless = (async function* () {
      try {
        for (;;) yield packed;
      } finally {
        released = true;
      }
    })();
    for await (const _ of decompress(endless, { compression: kind, maxBytes: 1 << 30, where: 'test' })) break;
    await expect.poll(() => released).toBe(true);
  });
});

describe('the zstd reader', () => {
  test('skips skippable frames', async () => {
    const skippable = Buffer.from('502a4d1803000000616263', 'hex');
    const packed = Buffer.concat([
      skippable,
      PACK.zstd(Buffer.from('a')),
      skippable,
      PACK.zstd(Buffer.from('b')),
      skippable,
    ]);
    expect((await unpack('zstd', packed)).toString()).toBe('ab');
  });
});

describe('compressionOf', () => {
  test('goes by the ending', () => {
    expect(['a.tar.gz', 'a.tar.xz', 'a.tar.zst', 'a.tar'].map(compressionOf)).toEqual(['gzip', 'xz', 'zstd', 'none']);
  });
});
