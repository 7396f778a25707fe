// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cache, openCache } from '#cache';
import { hexOf, type TreeEntry } from '#core';
import { compressorIdentity } from './compression.ts';
import { readContent } from './content.ts';
import { buildImage, type BuiltImage, cacheSource, keepDocument, storeInLayout, storeLayer } from './image.ts';
import { inspectLayer } from './inspect.ts';
import { createLayout } from './layout.ts';
import { buildIndex, parseManifest } from './manifest.ts';
import { unpackImage } from './unpack.ts';

const epoch = new Date('2026-01-02T03:04:05Z');
const created = new Date('2025-06-07T08:09:10Z');
let area = '';
let cache: Cache;

beforeEach(async () => {
  area = await mkdtemp(join(tmpdir(), 'oakum-image-'));
  cache = await openCache(join(area, 'cache'));
});
afterEach(() => rm(area, { recursive: true }));

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function tree(): TreeEntry[] {
  return [{ kind: 'directory', path: 'tmp', mode: 0o1777, uid: 0, gid: 0, mtime: created }];
}

async function build(text = 'binary', into = cache): Promise<BuiltImage> {
  const { layer } = await storeLayer({ inputs: 'base', entries: tree, epoch: created }, into);
  const binary = await into.blobs.put(once(text));
  return buildImage(
    {
      platform: { architecture: 'amd64', os: 'linux' },
      base: [{ layer, created, createdBy: 'the base' }],
      binary,
      binaryPath: 'usr/local/bin/source-controller',
      epoch,
      run: { user: '65534:65534', entrypoint: ['/usr/local/bin/source-controller'] },
      annotations: { 'org.opencontainers.image.version': 'v1.9.3' },
    },
    into,
  );
}

describe('buildImage', () => {
  it('gives an image whose every claim holds', async () => {
    const image = await build();
    expect(parseManifest(image.manifest.bytes, 'test').layers.map(({ digest }) => digest)).toEqual(
      image.layers.map(({ digest }) => digest),
    );
    for (const layer of image.layers) expect(await inspectLayer(layer, cache.blobs.read(layer.digest))).toEqual([]);
    const root = join(area, 'root');
    const config = await unpackImage(cacheSource(cache.blobs), image.manifest.descriptor, root);
    expect(config).toMatchObject({ created: '2026-01-02T03:04:05Z', config: { User: '65534:65534' } });
    const binary = await stat(join(root, 'usr/local/bin/source-controller'));
    expect([binary.mode & 0o777, binary.size, binary.mtime]).toEqual([0o755, 6, epoch]);
    expect((await stat(join(root, 'tmp'))).mode & 0o7777).toBe(0o1777);
  });

  it('gives the same bytes in two caches', async () => {
    const other = await openCache(join(area, 'other'));
    expect((await build('x', other)).manifest.descriptor).toEqual((await build('x')).manifest.descriptor);
  });

  it('makes its layers once, and shares the base between images', async () => {
    const first = await build('one');
    expect(first.cached).toBe(false);
    expect((await build('one')).cached).toBe(true);
    const second = await build('two');
    expect(second.cached).toBe(false);
    expect(second.layers[0]).toEqual(first.layers[0]);
    expect(second.layers[1]?.digest).not.toBe(first.layers[1]?.digest);
  });

  it('finds a binary that was damaged in the cache', async () => {
    const binary = await cache.blobs.put(once('binary'));
    await writeFile(binary.path, 'bynary');
    const { layer } = await storeLayer({ inputs: 'base', entries: tree, epoch: created }, cache);
    const base = [{ layer, created, createdBy: 'the base' }];
    const run = { user: '0:0', entrypoint: ['/x'] };
    const request = { platform: { architecture: 'amd64', os: 'linux' }, base, binary, binaryPath: 'x', epoch, run };
    await expect(buildImage(request, cache)).rejects.toMatchObject({ code: 'CACHE_CORRUPT' });
  });

  it('names its compressor, down to the build', () => {
    expect(compressorIdentity('gzip')).toContain(
      `zlib-${process.versions.zlib} node-${process.versions.node} ${process.arch}`,
    );
    expect(compressorIdentity('zstd')).toMatch(/^zstd\/frame-1\//);
  });
});

describe('storeInLayout', () => {
  it('brings an index and all below it, named last, blobs by link', async () => {
    const image = await build();
    const index = buildIndex([image.manifest.descriptor]);
    await keepDocument(index, cache.blobs);
    const layout = await createLayout(join(area, 'oci'));
    await storeInLayout(index.descriptor, 'distroless/source-controller:v1.9.3', cache.blobs, layout);
    const root = await layout.resolve('distroless/source-controller:v1.9.3');
    expect(await readContent(layout, root, 1000)).toEqual(index.bytes);
    for (const { digest } of [...image.layers, image.config.descriptor, image.manifest.descriptor]) {
      await stat(join(area, 'oci/blobs/sha256', hexOf(digest)));
    }
    const [base] = image.layers;
    const stored = base && (await cache.blobs.find(base.digest));
    expect(base && (await stat(join(area, 'oci/blobs/sha256', hexOf(base.digest)))).ino).toBe(
      stored && (await stat(stored.path)).ino,
    );
  });

  it('finds a layer that was damaged in the cache, and names nothing', async () => {
    const image = await build();
    const stored = await cache.blobs.find(image.layers[1]?.digest ?? 'sha256:');
    await writeFile(stored?.path ?? '', Buffer.alloc(stored?.size ?? 0));
    const layout = await createLayout(join(area, 'oci'));
    await expect(storeInLayout(image.manifest.descriptor, 'x:v1', cache.blobs, layout)).rejects.toMatchObject({
      code: 'CACHE_CORRUPT',
    });
    expect((await layout.references()).size).toBe(0);
    expect((await build()).cached).toBe(false);
    await storeInLayout(image.manifest.descriptor, 'x:v1', cache.blobs, layout);
  });
});
