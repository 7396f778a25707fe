// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp, digestOf, type ReportEvent } from '#core';
import { createTestClock, startRegistry, type TestRegistry, type TestRegistryOptions } from '#testing';
import type { Descriptor, ManifestSink } from './content.ts';
import { copyImage } from './copy.ts';
import { createLayout, type Layout } from './layout.ts';
import { buildIndex, buildManifest, type Document } from './manifest.ts';
import { openRegistry } from './registry/client.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const base = Buffer.alloc(300_000, 'base');

async function start(options: TestRegistryOptions = {}) {
  const registry = await startRegistry(options);
  closing.push(() => registry.stop());
  const client = clientOf();
  return { registry, client, name: (repository: string) => ({ registry: registry.host, repository }) };
}

function clientOf() {
  const clock = createTestClock();
  return openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
}

async function newLayout(): Promise<Layout> {
  const folder = await mkdtemp(join(tmpdir(), 'oakum-copy-'));
  closing.push(() => rm(folder, { recursive: true }));
  return createLayout(folder);
}

async function store(sink: ManifestSink, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await sink.put(descriptor, async function* () {
    yield bytes;
  });
  return descriptor;
}

/** Puts an image of two platforms into a layout: two layers each, the base layer shared. */
async function makeImage(layout: Layout, name: string): Promise<Document> {
  const manifests: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const layers = [
      await store(layout, base, LAYER),
      await store(layout, Buffer.alloc(200_000, name + architecture), LAYER),
    ];
    const config = await store(layout, Buffer.from(JSON.stringify({ architecture, os: 'linux', name })), CONFIG);
    const manifest = buildManifest({ config, layers }, { architecture, os: 'linux' });
    await layout.putManifest(manifest.descriptor, manifest.bytes);
    manifests.push(manifest.descriptor);
  }
  const index = buildIndex(manifests);
  await layout.putManifest(index.descriptor, index.bytes, `${name}:v1`);
  return index;
}

const manifestPuts = ({ requests }: TestRegistry) =>
  requests
    .filter((line) => line.startsWith('PUT') && line.includes('/manifests/'))
    .map((line) => line.split('/').at(-1));

describe('the copy', () => {
  it('pushes a layout, the tags last, and pulls it back byte for byte', async () => {
    const layout = await newLayout();
    const index = await makeImage(layout, 'a');
    const { registry, client, name } = await start();
    const result = await copyImage({
      from: layout,
      to: client.sink(name('a')),
      root: index.descriptor,
      tags: ['v1-r0', 'v1'],
    });
    expect(result).toEqual({ blobsCopied: 5, blobsPresent: 0, bytes: 300_000 + 400_000 + 2 * 48 });
    expect(manifestPuts(registry).slice(-2)).toEqual(['v1-r0', 'v1']);
    expect(manifestPuts(registry)).toHaveLength(4);
    expect(await client.resolve({ ...name('a'), tag: 'v1' })).toEqual(index.descriptor);

    const back = await newLayout();
    await copyImage({ from: client.source(name('a')), to: back, root: index.descriptor, tags: ['a:v1'] });
    expect(await back.resolve('a:v1')).toEqual(await layout.resolve('a:v1'));
  });

  it('sends nothing the second time but the tags', async () => {
    const layout = await newLayout();
    const index = await makeImage(layout, 'a');
    const { registry, name, client } = await start();
    const request = { from: layout, root: index.descriptor, tags: ['v1'] };
    await copyImage({ ...request, to: client.sink(name('a')) });
    const { requests } = registry;
    requests.length = 0;
    const again = await copyImage({ ...request, to: clientOf().sink(name('a')) });
    expect(again).toEqual({ blobsCopied: 0, blobsPresent: 0, bytes: 0 });
    expect(requests.map((line) => line.split(' ', 1)[0])).toEqual(['GET', 'HEAD', 'PUT']); // /v2/ of the plain HTTP probe first
  });

  it('uploads a shared base layer once for seven images pushed at once', async () => {
    const layout = await newLayout();
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const images = new Map<string, Document>();
    for (const name of names) images.set(name, await makeImage(layout, name));
    const { registry, client, name } = await start();
    await Promise.all(
      [...images].map(([repository, { descriptor: root }]) =>
        copyImage({ from: layout, to: client.sink(name(repository)), root, tags: ['v1'] }),
      ),
    );
    const configs = 7 * 2 * 48;
    expect(registry.received()).toBe(300_000 + 7 * 400_000 + configs);
    for (const one of names) expect(registry.blobs(one)).toContain(digestOf(base));
  });

  it('mirrors within one registry without moving a byte, and between two by streaming', async () => {
    const layout = await newLayout();
    const { descriptor: root } = await makeImage(layout, 'a');
    const { registry, client, name } = await start();
    await copyImage({ from: layout, to: client.sink(name('a')), root, tags: ['v1'] });
    const before = registry.received();
    const fresh = clientOf();
    const within = await copyImage({
      from: fresh.source(name('a')),
      to: fresh.sink(name('mirror/a')),
      root,
      tags: ['v1'],
    });
    expect(within).toEqual({ blobsCopied: 0, blobsPresent: 5, bytes: 0 });
    expect(registry.received()).toBe(before);
    const other = await start();
    await copyImage({ from: client.source(name('a')), to: client.sink(other.name('a')), root, tags: ['v1'] });
    expect(await client.resolve({ ...other.name('a'), tag: 'v1' })).toEqual(root);
  });

  it('shows no tag when anything fails before', async () => {
    const layout = await newLayout();
    const { descriptor: root } = await makeImage(layout, 'a');
    const { registry, client, name } = await start();
    registry.fail({ kind: 'status', when: /^PUT .*uploads/, status: 403, code: 'DENIED', message: 'quota exceeded' });
    await expect(copyImage({ from: layout, to: client.sink(name('a')), root, tags: ['v1'] })).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('quota exceeded'),
    });
    expect(manifestPuts(registry)).toEqual([]);
    expect(await client.resolve({ ...name('a'), tag: 'v1' })).toBeUndefined();
  });

  it('refuses damaged content of its source', async () => {
    const layout = await newLayout();
    const { descriptor: root } = await makeImage(layout, 'a');
    const { registry, client, name } = await start();
    const from = {
      open: async function* (descriptor: Descriptor) {
        for await (const chunk of layout.open(descriptor)) {
          if (descriptor.mediaType === LAYER) chunk[7] = 0;
          yield chunk;
        }
      },
    };
    await expect(copyImage({ from, to: client.sink(name('a')), root, tags: ['v1'] })).rejects.toMatchObject({
      code: 'BLOB_DIGEST_MISMATCH',
    });
    expect(registry.blobs('a').filter((digest) => digest === digestOf(base))).toEqual([]);
  });

  it('refuses an index that nests without end, and content that is no manifest', async () => {
    const layout = await newLayout();
    let { descriptor } = buildIndex([]);
    await layout.putManifest(descriptor, buildIndex([]).bytes);
    for (let depth = 0; depth < 8; depth += 1) {
      const index = buildIndex([descriptor]);
      await layout.putManifest(index.descriptor, index.bytes);
      ({ descriptor } = index);
    }
    const { client, name } = await start();
    const to = client.sink(name('a'));
    await expect(copyImage({ from: layout, to, root: descriptor, tags: [] })).rejects.toMatchObject({
      code: 'CONTENT_TOO_LARGE',
    });
    const text = await store(layout, Buffer.from('text'), 'text/plain');
    await expect(copyImage({ from: layout, to, root: text, tags: [] })).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
    });
  });

  it('tells how far it is, up to the whole', async () => {
    const layout = await newLayout();
    const { descriptor: root } = await makeImage(layout, 'a');
    const { client, name } = await start();
    const events: ReportEvent[] = [];
    await copyImage({
      from: layout,
      to: client.sink(name('a')),
      root,
      tags: ['v1'],
      subject: 'source-controller',
      report: (event) => {
        events.push(event);
      },
    });
    expect(events.at(-1)).toMatchObject({
      kind: 'step-progress',
      subject: 'source-controller',
      bytes: 700_096,
      totalBytes: 700_096,
    });
  });
});
