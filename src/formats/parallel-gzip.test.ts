// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parallelGzip } from './parallel-gzip.ts';

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? bytes.length);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that compress partly, the same on each run. */
function sample(size: number): Buffer {
  const noise = Buffer.alloc(Math.ceil(size / 64) * 64);
  for (let at = 0; at < noise.length; at += 64) createHash('sha256').update(String(at)).digest().copy(noise, at);
  return noise.subarray(0, size);
}

describe('the parallel gzip writer', () => {
  it('gives what zlib unpacks to the input, whatever the input, block size and chunking', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.constantFrom(1, 7, 64, 1000, 1 << 20),
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 }),
        async (bytes, blockSize, sizes) => {
          const packed = await collect(parallelGzip(chunked(bytes, sizes), { blockSize }));
          expect(gunzipSync(packed).equals(bytes)).toBe(true);
        },
      ),
    );
  });

  it('gives the same bytes for any chunking', async () => {
    const bytes = sample(5_000_000);
    const whole = await collect(parallelGzip(chunked(bytes, [bytes.length])));
    for (const sizes of [[1_000_003], [65_536], [1 << 20], [777, 1, 300_000]]) {
      expect((await collect(parallelGzip(chunked(bytes, sizes)))).equals(whole)).toBe(true);
    }
  });

  it('gives the same bytes with one thread and with four', () => {
    const [one, four] = ['1', '4'].map((threads) => digestWithThreads(threads));
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(four).toBe(one);
  });

  it('is accepted by gzip -t, empty and at block borders too', async () => {
    for (const size of [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20]) {
      const input = await collect(parallelGzip(chunked(sample(size), [size + 1])));
      const gzip = spawnSync('gzip', ['-t', '-v'], { input, encoding: 'utf8' });
      expect([gzip.status, gzip.stderr], `${size} bytes`).toEqual([0, expect.stringContaining('OK')]);
    }
  });

  it('writes one member with a fixed header: no time, no name, unknown system', async () => {
    const packed = await collect(parallelGzip(chunked(Buffer.from('hello'), [5])));
    expect(packed.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
  });

  it('uses the bytes before a block as its dictionary', async () => {
    const once = createHash('shake256', { outputLength: 16_384 }).update('noise').digest(); // does not compress
    const packed = await collect(parallelGzip(chunked(Buffer.concat([once, once]), [32_768]), { blockSize: 16_384 }));
    expect(packed.length).toBeGreaterThan(16_384);
    expect(packed.length).toBeLessThan(17_000);
  });

  it("stops with the input's own error", async () => {
    const broken = async function* () {
      yield sample(3 << 20);
      throw new Error('the disk is gone');
    };
    await expect(collect(parallelGzip(broken()))).rejects.toThrow('the disk is gone');
  });

  it('reads no further ahead than a few blocks when its reader is slow', async () => {
    let read = 0;
    const endless = async function* () {
      for (;;) {
        read += 1;
        yield Buffer.alloc(1 << 16);
      }
    };
    const packed = parallelGzip(endless(), { blockSize: 1 << 16 });
    for (let turn = 0; turn < 5; turn += 1) await packed.next();
    expect(read).toBeLessThan(16);
    await packed.return();
  });
});

function digestWithThreads(threads: string): string {
  const program = `
    import { createHash } from 'node:crypto';
    import { parallelGzip } from ${JSON.stringify(fileURLToPath(new URL('./parallel-gzip.ts', import.meta.url)))};
    const line = Buffer.from(Array.from({ length: 4e5 }, (_, i) => (i * i) % 9973).join());
    const hash = createHash('sha256');
    for await (const chunk of parallelGzip([line, line, line, line])) hash.update(chunk);
    process.stdout.write(hash.digest('hex'));`;
  const child = spawnSync(process.execPath, ['--conditions=oakum-source', '--input-type=module', '-e', program], {
    env: { UV_THREADPOOL_SIZE: threads },
    encoding: 'utf8',
  });
  return child.stdout === '' ? child.stderr : child.stdout;
}
