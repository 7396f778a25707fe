// SPDX-License-Identifier: Apache-2.0
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf, measure, oneChunk, type TreeEntry } from '#core';
import { readTar } from '#formats';
import { inspectLayer } from './inspect.ts';
import { type BlobSink, type Layer, type LayerOptions, writeLayer } from './layer.ts';

const epoch = new Date('2026-01-02T03:04:05.678Z');
const common = { mode: 0o644, uid: 0, gid: 0, mtime: new Date('2025-01-01T00:00:00Z') };

function file(path: string, text = '', more: Partial<{ size: number; mtime: Date }> = {}): TreeEntry {
  const bytes = Buffer.from(text);
  return { ...common, kind: 'file', path, size: bytes.length, open: () => oneChunk(bytes), ...more };
}

function memory() {
  const kept = new Map<Digest, Buffer>();
  const sink: BlobSink = {
    async put(bytes) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of bytes) chunks.push(chunk);
      const whole = Buffer.concat(chunks);
      kept.set(digestOf(whole), whole);
      return { digest: digestOf(whole), size: whole.length };
    },
  };
  return { sink, read: (layer: Layer) => kept.get(layer.digest) ?? Buffer.alloc(0) };
}

async function write(entries: readonly TreeEntry[], options: LayerOptions = { epoch }) {
  const { sink, read } = memory();
  const layer = await writeLayer(entries, sink, options);
  return { layer, bytes: read(layer) };
}

async function list(tar: Buffer) {
  const entries: { path: string; kind: string; mode: number; uid: number; mtime: string }[] = [];
  for await (const { path, kind, mode, uid, mtime } of readTar(oneChunk(tar), { where: 'test' })) {
    entries.push({ path, kind, mode, uid, mtime: mtime.toISOString() });
  }
  return entries;
}

const golden: readonly TreeEntry[] = [
  { ...common, kind: 'directory', path: 'etc', mode: 0o755 },
  file('etc/passwd', 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n'),
  { ...common, kind: 'symlink', path: 'bin', target: 'usr/bin', mode: 0o777 },
  { ...common, kind: 'hardlink', path: 'a-hard-link', target: 'usr/bin/tool' },
  { ...file('usr/bin/tool', '#!/bin/true\n'), mode: 0o755, uid: 65532, gid: 65532 },
  { ...common, kind: 'directory', path: 'tmp', mode: 0o1777 },
];

describe('the layer writer', () => {
  it('gives the same bytes for the same entries in any order', async () => {
    const { layer } = await write(golden);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...golden], { minLength: golden.length }), async (entries) => {
        expect((await write(entries)).layer).toEqual(layer);
      }),
      { numRuns: 20 },
    );
  });

  /**
   * The diffId may change only when the layer format is changed on purpose, which makes every image new.
   * The compressed digest holds for one compressor build and is not pinned here.
   */
  it('pins the diffId of the golden tree', async () => {
    expect((await write(golden)).layer.diffId).toBe(
      'sha256:469d1c993807f12a3e4a9511592502aaa5c73b26de3099322fe565d43ed76523',
    );
    expect((await write(golden, { epoch, compression: 'zstd' })).layer.diffId).toBe((await write(golden)).layer.diffId);
  });

  it('says what it wrote: digest and size of the blob, diffId of the tar', async () => {
    const { layer, bytes } = await write(golden);
    expect(await measure(oneChunk(bytes))).toEqual({ digest: layer.digest, size: layer.size });
    expect(digestOf(gunzipSync(bytes))).toBe(layer.diffId);
    expect(layer.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip');
  });

  it('clamps times later than the epoch and leaves earlier ones', async () => {
    const { bytes } = await write([
      file('early', '', { mtime: new Date('2001-01-01T00:00:00Z') }),
      file('late', '', { mtime: new Date('2030-01-01T00:00:00Z') }),
    ]);
    const times = (await list(gunzipSync(bytes))).map(({ mtime }) => mtime);
    expect(times).toEqual(['2001-01-01T00:00:00.000Z', '2026-01-02T03:04:05.000Z']);
  });

  it('adds missing parent directories once, root-owned, 0755', async () => {
    const { bytes } = await write([file('a/b/c/one'), file('a/b/two')]);
    const entries = await list(gunzipSync(bytes));
    expect(entries.map(({ path }) => path)).toEqual(['a', 'a/b', 'a/b/c', 'a/b/c/one', 'a/b/two']);
    for (const entry of entries.slice(0, 3)) expect(entry).toMatchObject({ kind: 'directory', mode: 0o755, uid: 0 });
  });

  it('writes hard links after what they point at', async () => {
    const { bytes } = await write(golden);
    const paths = (await list(gunzipSync(bytes))).map(({ path }) => path);
    expect(paths).toEqual(['bin', 'etc', 'etc/passwd', 'tmp', 'usr', 'usr/bin', 'usr/bin/tool', 'a-hard-link']);
  });

  it.each(['../x', '/x', 'a/../../x', 'a/../b', './x', 'a//b', 'a/', '', '.', 'a\0b', 'a\ud800'])(
    'refuses the path %j, which leaves the root or is no plain one',
    async (path) => {
      await expect(write([file(path)])).rejects.toMatchObject({ code: 'LAYER_PATH_ESCAPES', family: 'build' });
    },
  );

  it('refuses an entry below a symbolic link or a file', async () => {
    const link: TreeEntry = { ...common, kind: 'symlink', path: 'lib', target: '/outside' };
    await expect(write([link, file('lib/x')])).rejects.toMatchObject({ code: 'LAYER_PATH_ESCAPES' });
    await expect(write([file('lib/a/x'), link])).rejects.toMatchObject({ code: 'LAYER_PATH_ESCAPES' });
    await expect(write([file('lib'), file('lib/x')])).rejects.toMatchObject({ code: 'LAYER_PATH_ESCAPES' });
  });

  it('refuses names that would delete files of lower layers', async () => {
    await expect(write([file('etc/.wh.passwd')])).rejects.toMatchObject({ code: 'LAYER_PATH_RESERVED' });
  });

  it('refuses two entries at one path', async () => {
    await expect(write([file('x', 'a'), file('x', 'b')])).rejects.toMatchObject({ code: 'LAYER_PATH_DUPLICATE' });
  });

  it.each(['missing', 'etc', 'other', '../x'])(
    'refuses a hard link to %s, which is no file of the layer',
    async (target) => {
      const other: TreeEntry = { ...common, kind: 'symlink', path: 'other', target: 'x' };
      const link: TreeEntry = { ...common, kind: 'hardlink', path: 'link', target };
      await expect(write([file('etc/x'), other, link])).rejects.toMatchObject({ code: 'LAYER_LINK_DANGLING' });
    },
  );

  it.each([3, 5])('refuses a file of 4 bytes that was said to have %i', async (size) => {
    await expect(write([file('x', 'four', { size })])).rejects.toMatchObject({
      code: 'LAYER_SIZE_MISMATCH',
      where: 'x',
    });
  });

  it('refuses times that are none', async () => {
    await expect(write([file('x', '', { mtime: new Date(Number.NaN) })])).rejects.toMatchObject({
      code: 'LAYER_TIME_INVALID',
    });
    await expect(write([], { epoch: new Date(-1) })).rejects.toMatchObject({ code: 'LAYER_TIME_INVALID' });
  });
});

describe('inspectLayer', () => {
  it.each(['gzip', 'zstd'] as const)(
    'finds nothing wrong with what the layer writer writes as %s',
    async (compression) => {
      const { layer, bytes } = await write(golden, { epoch, compression });
      expect(await inspectLayer(layer, oneChunk(bytes))).toEqual([]);
    },
  );

  it('finds a wrong digest, size and diffId, all three at once', async () => {
    const { bytes, layer } = await write(golden);
    const wrong = digestOf('something else');
    const faults = await inspectLayer({ ...layer, digest: wrong, size: 1, diffId: wrong }, oneChunk(bytes));
    expect(faults).toEqual([
      `the digest is ${layer.digest}, not ${wrong}`,
      `the size is ${layer.size}, not 1`,
      `the diffId is ${layer.diffId}, not ${wrong}`,
    ]);
  });

  it('finds bytes cut off, junk after the end, and no gzip at all', async () => {
    const { bytes, layer } = await write(golden);
    for (const bad of [bytes.subarray(0, -9), Buffer.concat([bytes, Buffer.from('junk')]), Buffer.from('no gzip')]) {
      const faults = await inspectLayer(layer, oneChunk(bad));
      expect(faults[1]).toBe(`the size is ${bad.length}, not ${layer.size}`);
      expect(faults[2]).toMatch(/^the diffId is unknown \(/);
    }
  });

  it("throws the source's own error, which is no fault of the layer", async () => {
    const { layer } = await write(golden);
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from([0x1f, 0x8b]);
      throw new Error('connection reset');
    };
    await expect(inspectLayer(layer, broken())).rejects.toThrow('connection reset');
  });
});
