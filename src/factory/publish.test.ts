// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openCache } from '#cache';
import { createHttp, digestOf, type ReportEvent } from '#core';
import { ATTESTATION_MANIFEST, REFERENCE_DIGEST, REFERENCE_TYPE } from '#evidence';
import { buildIndex, buildManifest, type Descriptor, openRegistry } from '#image';
import { createTestClock, createTestSigner, startRegistry } from '#testing';
import type { ChannelImage } from './images.ts';
import { publish } from './publish.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const PLATFORMS = ['amd64', 'arm64'].map((architecture) => ({ architecture, os: 'linux' }));
const CONFIG = Buffer.from('{}');
const config: Descriptor = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: digestOf(CONFIG),
  size: CONFIG.length,
};

/** One manifest for each platform, told apart by an annotation. */
const manifests = PLATFORMS.map((platform) =>
  buildManifest({ config, layers: [], annotations: { for: platform.architecture } }, platform),
);
const content = manifests.map(({ descriptor }) => descriptor);

/** An attestation manifest of somebody else about the first platform. */
const foreign = buildManifest({ config, layers: [], annotations: { by: 'somebody' } });
const attestation: Descriptor = {
  ...foreign.descriptor,
  platform: { architecture: 'unknown', os: 'unknown' },
  annotations: { [REFERENCE_TYPE]: ATTESTATION_MANIFEST, [REFERENCE_DIGEST]: content[0]?.digest ?? '' },
};

/** A registry, our image (two platforms, no attestations) in a cache, and a way to publish it. */
async function setUp() {
  const registry = await startRegistry();
  closing.push(() => registry.stop());
  const folder = await mkdtemp(join(tmpdir(), 'oakum-publish-'));
  closing.push(() => rm(folder, { recursive: true }));
  const cache = await openCache(folder);
  const clock = createTestClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  const repository = { registry: registry.host, repository: 'distroless/a' };
  const index = buildIndex(content);
  const put = (bytes: Uint8Array) =>
    cache.blobs.put(
      (async function* () {
        yield bytes;
      })(),
    );
  for (const bytes of [CONFIG, index.bytes, ...manifests.map((one) => one.bytes)]) await put(bytes);
  const image: ChannelImage = {
    channel: 'distroless',
    component: 'a',
    version: 'v1',
    index,
    created: new Date(0),
    platforms: [],
  };
  const signer = createTestSigner();
  const events: ReportEvent[] = [];
  const run = () =>
    publish(
      [image],
      { kind: 'registry', client, registry: registry.host },
      {
        cache,
        revision: 0,
        registry: registry.host,
        report: (event) => void events.push(event),
        signing: { signer: { ...signer, description: 'a test key' } as never, cosignV2Tags: false },
      },
    );
  /** Publishes an index under the immutable tag, as another build would. */
  async function publishOther(entries: readonly Descriptor[]) {
    await client.putBlob(repository, config, async function* () {
      yield CONFIG;
    });
    for (const { descriptor, bytes } of [...manifests, foreign])
      await client.putManifest(
        repository,
        { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size },
        bytes,
      );
    const other = buildIndex(entries);
    await client.putManifest(repository, other.descriptor, other.bytes, 'v1-r0');
    return other.descriptor.digest;
  }
  return { client, repository, image, signer, events, run, publishOther };
}

describe('publishing to a registry', () => {
  it('signs our index once, and adds nothing the second time', async () => {
    const { client, repository, image, signer, run } = await setUp();
    await run();
    await run();
    expect(signer.signed()).toBe(1);
    expect((await client.resolve({ ...repository, tag: 'v1' }))?.digest).toBe(image.index.descriptor.digest);
    expect(await client.referrers(repository, image.index.descriptor.digest)).toHaveLength(1);
  });

  it('keeps the index of another build of the same content, and signs nothing of it', async () => {
    const { client, repository, signer, events, run, publishOther } = await setUp();
    const digest = await publishOther([...content, attestation]);
    const [published] = (await run()).images;
    expect(published?.index.descriptor.digest).toBe(digest);
    expect(signer.signed()).toBe(0);
    expect(await client.referrers(repository, digest)).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'note' }));
  });

  it('moves no tag back from a later revision, of whatever release that was', async () => {
    const { client, repository, run } = await setUp();
    await run();
    const later = buildIndex(content, { made: 'later' });
    for (const tag of ['v1-r1', 'v1']) await client.putManifest(repository, later.descriptor, later.bytes, tag);
    await run();
    expect((await client.resolve({ ...repository, tag: 'v1' }))?.digest).toBe(later.descriptor.digest);
  });

  it.each([
    [
      'the platforms exchanged',
      content.map((one, at) => ({ ...one, platform: PLATFORMS[1 - at] ?? { os: '', architecture: '' } })),
    ],
    [
      'one more manifest for an unknown platform',
      [...content, { ...foreign.descriptor, platform: { os: 'unknown', architecture: 'unknown' } }],
    ],
    ['one platform less', content.slice(1)],
  ])('refuses a revision that is published with %s', async (_, entries) => {
    const { signer, run, publishOther } = await setUp();
    await publishOther(entries);
    await expect(run()).rejects.toMatchObject({ code: 'REVISION_EXISTS' });
    expect(signer.signed()).toBe(0);
  });
});
