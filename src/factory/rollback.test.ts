// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHttp, type Digest } from '#core';
import { PREDICATES } from '#evidence';
import { buildIndex, openRegistry, type RegistryClient } from '#image';
import { registryPlace, releaseArtifact, RELEASES } from '#release';
import { createTestClock, createTestSigner, releaseDocument, startRegistry, type TestRegistry } from '#testing';
import { rollBack } from './rollback.ts';

const IMAGES = ['a', 'b'].map((component) => ({ channel: 'distroless', component, version: 'v1' }));
/** Two revisions of each image: indexes without content, told apart by an annotation. */
const INDEXES = [0, 1].map((number) => buildIndex([], { revision: String(number) }));

describe('rolling back', () => {
  let registry: TestRegistry;
  let client: RegistryClient;
  beforeEach(async () => {
    registry = await startRegistry();
    const clock = createTestClock();
    client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
    for (const { component } of IMAGES) await publish(component, [0, 1]);
  });
  afterEach(() => registry.stop());

  const place = (component: string) => ({ registry: registry.host, repository: `flux/distroless/${component}` });

  /** Publishes revisions of an image; the moving tag names the last. */
  async function publish(component: string, numbers: readonly number[]) {
    for (const number of numbers) {
      const { descriptor, bytes } = INDEXES[number] ?? buildIndex([]);
      for (const tag of [`v1-r${number}`, 'v1']) await client.putManifest(place(component), descriptor, bytes, tag);
    }
  }

  const digestOf = async (component: string, tag = 'v1') =>
    (await client.resolve({ ...place(component), tag }))?.digest;
  const expected = (number: number) => INDEXES[number]?.descriptor.digest as Digest;
  const signer = createTestSigner();
  const go = (revision: number, release?: string) =>
    rollBack({
      ...(release === undefined ? {} : { release }),
      images: IMAGES,
      revision,
      registry: `${registry.host}/flux`,
      client,
      reason: 'r1 does not start on arm64',
      now: new Date('2026-08-21T00:00:00Z'),
      signing: { signer: { ...signer, description: 'a test key' } as never, cosignV2Tags: false },
      report: () => undefined,
    });

  it('takes the document and the manifests of a whole release along, and the line where it named the release', async () => {
    const releases = registryPlace(client, `${registry.host}/flux`);
    const digests: Digest[] = [];
    for (const [number, revision] of ['2.9.2-r0', '2.9.2-r1'].entries()) {
      const manifests = buildIndex([], { manifests: revision });
      for (const tag of [`v2.9.2-r${number}`, 'v2.9.2', 'v2.9'])
        await client.putManifest(place('flux-manifests'), manifests.descriptor, manifests.bytes, tag);
      const document = releaseDocument(revision);
      document.manifests = [
        {
          channel: 'distroless',
          kind: 'flux-manifests',
          name: 'registry.example.com/flux/distroless/flux-manifests',
          tags: [`v2.9.2-r${number}`, 'v2.9.2'],
          digest: manifests.descriptor.digest,
          size: manifests.descriptor.size,
          mediaType: manifests.descriptor.mediaType,
        },
      ];
      const parcel = releaseArtifact(document);
      digests.push(parcel.manifest.descriptor.digest);
      for (const tag of [revision, '2.9.2', '2.9']) await releases.put(RELEASES, parcel, tag);
    }
    await go(0, '2.9.2');
    for (const tag of ['2.9.2', '2.9']) expect((await releases.resolve(RELEASES, tag))?.digest).toBe(digests[0]);
    expect((await releases.resolve(RELEASES, '2.9.2-r1'))?.digest).toBe(digests[1]);
    for (const tag of ['v2.9.2', 'v2.9'])
      expect(await digestOf('flux-manifests', tag)).toBe(await digestOf('flux-manifests', 'v2.9.2-r0'));
    await releases.put(RELEASES, releaseArtifact(releaseDocument('2.9.3-r0')), '2.9');
    await go(1, '2.9.2');
    expect((await releases.resolve(RELEASES, '2.9.2'))?.digest).toBe(digests[1]);
    expect((await releases.resolve(RELEASES, '2.9'))?.digest).not.toBe(digests[1]);
  });

  it('moves every moving tag, and no other, and records why beside the image', async () => {
    expect(await go(0)).toMatchObject([
      { tag: 'v1', from: expected(1), to: expected(0) },
      { tag: 'v1', from: expected(1), to: expected(0) },
    ]);
    for (const { component } of IMAGES) {
      expect(await digestOf(component)).toBe(expected(0));
      expect(await digestOf(component, 'v1-r1')).toBe(expected(1));
      const [referrer] = await client.referrers(place(component), expected(0));
      const { bytes } = await client.manifest({ ...place(component), digest: referrer?.digest ?? expected(0) });
      expect(Buffer.from(bytes).toString()).toContain(`"dev.sigstore.bundle.predicateType":"${PREDICATES.rollback}"`);
    }
  });

  it('does nothing the second time', async () => {
    await go(0);
    expect(await go(0)).toMatchObject([{ from: expected(0) }, { from: expected(0) }]);
    expect(await client.referrers(place('a'), expected(0))).toHaveLength(1);
  });

  it('changes nothing where one image of the revision is missing', async () => {
    await publish('a', [2]);
    await expect(go(2)).rejects.toMatchObject({ code: 'REVISION_MISSING' });
    expect([await digestOf('b'), (await client.referrers(place('a'), expected(0))).length]).toEqual([expected(1), 0]);
  });
});
