// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, digestOf, systemClock } from '#core';
import {
  buildIndex,
  buildManifest,
  copyImage,
  createLayout,
  type Descriptor,
  type Document,
  type ManifestSink,
  openRegistry,
  toDocument,
} from '#image';
import { judge } from '../judges.ts';
import { noise, type RealRegistry, startDistribution, startGoRegistry, startOlareg } from '../registries.ts';

const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const folder = mkdtempSync(join(tmpdir(), 'oakum-conformance-'));
afterAll(() => rmSync(folder, { recursive: true }));

function openClient(chunkBytes?: number) {
  const clock = systemClock();
  return openRegistry({
    http: createHttp({ clock }),
    clock,
    credentials: async () => undefined,
    ...(chunkBytes === undefined ? {} : { chunkBytes }),
  });
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function store(sink: ManifestSink, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await sink.put(descriptor, async function* () {
    yield bytes;
  });
  return descriptor;
}

/** Puts an image of two platforms with real tar layers into a sink. */
async function makeImage(sink: ManifestSink): Promise<Document> {
  const manifests: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const tar = pack();
    tar.entry({ name: 'program', mtime: new Date(0) }, noise(architecture, 1_500_000));
    tar.finalize();
    const bytes = await collect(tar as AsyncIterable<Buffer>);
    const layer = await store(sink, gzipSync(bytes), LAYER);
    const config = toDocument(
      { architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(bytes)] } },
      CONFIG,
    );
    await store(sink, config.bytes, CONFIG);
    const manifest = buildManifest({ config: config.descriptor, layers: [layer] }, { architecture, os: 'linux' });
    await sink.putManifest(manifest.descriptor, manifest.bytes);
    manifests.push(manifest.descriptor);
  }
  const index = buildIndex(manifests);
  await sink.putManifest(index.descriptor, index.bytes, 'v1');
  return index;
}

const kinds = [
  {
    kind: 'distribution 2.8',
    start: startDistribution,
    referrersApi: false,
    second: 'mounted',
  },
  { kind: "go-containerregistry's", start: startGoRegistry, referrersApi: false, second: 'present' },
  { kind: 'olareg', start: startOlareg, referrersApi: true, second: 'mounted' },
];

describe.each(kinds)('with the registry $kind', ({ start, referrersApi, second }) => {
  let registry: RealRegistry | undefined;
  let crane: string;
  beforeAll(async () => {
    crane = await judge('crane');
    registry = await start();
  });
  afterAll(() => registry?.stop());
  const test = (title: string, run: () => Promise<void>) =>
    it(title, async (context) => {
      if (registry === undefined) context.skip('this registry can not be had here');
      await run();
    });
  const host = () => registry?.host ?? '';
  const name = (repository: string) => ({ registry: host(), repository });
  const run = (...args: string[]) => {
    const result = spawnSync(crane, args, { encoding: 'utf8' });
    expect(result.status, result.stderr).toBe(0);
    return result.stdout.trim();
  };

  test('a pushed image satisfies crane validate and crane digest', async () => {
    const index = await makeImage(openClient().sink(name('flux/a')));
    expect(run('digest', `${host()}/flux/a:v1`)).toBe(index.descriptor.digest);
    run('validate', '--remote', `${host()}/flux/a:v1`);
  });

  test('an upload in pieces satisfies crane validate', async () => {
    await makeImage(openClient(400_000).sink(name('flux/pieces')));
    run('validate', '--remote', `${host()}/flux/pieces:v1`);
  });

  test('an image is pulled into a layout and pushed again with the same digest', async () => {
    const client = openClient();
    await makeImage(client.sink(name('flux/b')));
    const root = await client.resolve({ ...name('flux/b'), tag: 'v1' });
    if (root === undefined) throw new Error('nothing was pushed');
    const layout = await createLayout(mkdtempSync(join(folder, 'layout-')));
    await copyImage({ from: client.source(name('flux/b')), to: layout, root, tags: ['b:v1'] });
    await copyImage({ from: layout, to: openClient().sink(name('flux/c')), root, tags: ['v2'] });
    run('validate', '--remote', `${host()}/flux/c:v2`);
    expect(run('digest', `${host()}/flux/c:v2`)).toBe(root.digest);
  });

  test('a shared blob travels once: mounted, or present where all repositories share their blobs', async () => {
    const client = openClient();
    const bytes = noise('shared', 500_000);
    const descriptor = { mediaType: LAYER, digest: digestOf(bytes), size: bytes.length };
    const open = async function* () {
      yield bytes;
    };
    expect(await client.putBlob(name('flux/d'), descriptor, open)).toBe('uploaded');
    expect(await client.putBlob(name('flux/e'), descriptor, open)).toBe(second);
    expect(await openClient().hasBlob(name('flux/e'), descriptor)).toBe(true);
  });

  test('an upload that breaks off goes on', async () => {
    const clock = systemClock();
    const http = createHttp({ clock });
    let broken = 0;
    const client = openRegistry({
      clock,
      credentials: async () => undefined,
      // The first two bodies break off in the middle, as a lost connection would.
      http: (request) => {
        const { body } = request;
        if (typeof body !== 'function' || broken >= 2) return http(request);
        broken += 1;
        const cut = async function* () {
          let size = 0;
          for await (const chunk of body()) {
            size += chunk.byteLength;
            if (size > 1_000_000) throw Object.assign(new Error('cut'), { code: 'ECONNRESET' });
            yield chunk;
          }
        };
        return http({ ...request, body: cut });
      },
    });
    const bytes = noise('broken', 3_000_000);
    const descriptor = { mediaType: LAYER, digest: digestOf(bytes), size: bytes.length };
    const open = async function* () {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    };
    expect(await client.putBlob(name('flux/f'), descriptor, open)).toBe('uploaded');
    expect(broken).toBe(2);
    expect(digestOf(await collect(client.blob(name('flux/f'), descriptor)))).toBe(descriptor.digest);
  });

  test('referrers are found, with or without the API, and tags listed', async () => {
    const client = openClient();
    const index = await makeImage(client.sink(name('flux/g')));
    const config = toDocument({}, 'application/vnd.oci.empty.v1+json');
    await store(client.sink(name('flux/g')), config.bytes, config.descriptor.mediaType);
    const claim = buildManifest({
      artifactType: 'application/vnd.example.claim',
      config: config.descriptor,
      layers: [config.descriptor],
      subject: index.descriptor,
    });
    await client.putManifest(name('flux/g'), claim.descriptor, claim.bytes);
    const found = await client.referrers(name('flux/g'), index.descriptor.digest);
    expect(found).toMatchObject([{ digest: claim.descriptor.digest, artifactType: 'application/vnd.example.claim' }]);
    const tags = await client.tags(name('flux/g'));
    expect(tags).toContain('v1');
    expect(tags.some((tag) => tag.startsWith('sha256-'))).toBe(!referrersApi);
  });

  test('absence is told as such', async () => {
    const client = openClient();
    expect(await client.resolve({ ...name('flux/none'), tag: 'v1' })).toBeUndefined();
    await expect(client.manifest({ ...name('flux/none'), tag: 'v1' })).rejects.toMatchObject({ family: 'registry' });
  });
});
