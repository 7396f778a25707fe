// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openCache } from '#cache';
import { createHttp, type Digest, digestOf } from '#core';
import { createLayout, openRegistry } from '#image';
import { layoutPlace, registryPlace, type ReleasePlace } from '#release';
import { createTestClock, startRegistry, type TestRegistry } from '#testing';
import type { InstallRequest, Manifests } from './manifests.ts';
import { publishManifests } from './publish-manifests.ts';
import type { Workshop } from './workshop.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const OPERATOR = 'distroless/flux-operator-manifests';
const FLUX = 'distroless/flux-manifests';

interface Opened {
  readonly place: ReleasePlace;
  readonly registry?: TestRegistry;
}

async function openPlace(kind: 'registry' | 'layout', folder: string): Promise<Opened> {
  if (kind === 'layout') return { place: layoutPlace(await createLayout(join(folder, 'oci')), 'oci') };
  const registry = await startRegistry();
  closing.push(() => registry.stop());
  const clock = createTestClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  return { place: registryPlace(client, `${registry.host}/flux`), registry };
}

/** A place, and what publishes manifests of a revision there that differ from those of any other. */
async function setUp(kind: 'registry' | 'layout') {
  const folder = await mkdtemp(join(tmpdir(), 'oakum-publish-manifests-'));
  closing.push(() => rm(folder, { recursive: true }));
  const { place, registry } = await openPlace(kind, folder);
  const cache = await openCache(join(folder, 'cache'));
  const shop = { cache, report: () => undefined } as unknown as Workshop;
  async function publish(release: string, revision: number): Promise<void> {
    const text = `${release}-r${revision}`;
    const manifests = {
      install: async ({ channel }: InstallRequest) => ({ channel, text, digest: digestOf(text), size: text.length }),
      bundle: async () => ({}),
      limits: () => ({ remoteBases: false }),
      pins: () => [{ name: 'registry.example.com/a', tag: 'v1', digest: digestOf(text) }],
    } as unknown as Manifests;
    await publishManifests(
      {
        manifests,
        channels: [{ channel: 'distroless', images: [] }],
        release,
        revision,
        place,
        kind,
        registry: 'registry.example.com/flux',
        origin: { created: new Date(0), source: 'https://example.com', revision: 'v1' },
        vendor: 'somebody',
      },
      shop,
    );
  }
  const digestAt = async (path: string, tag: string): Promise<Digest | undefined> =>
    (await place.resolve(path, tag))?.digest;
  return { place, registry, publish, digestAt };
}

describe.each(['registry', 'layout'] as const)('publishing manifests to a %s', (kind) => {
  it("lets the operator's tag of the line follow, and no older release take it", async () => {
    const { publish, digestAt, place } = await setUp(kind);
    await publish('2.9.2', 0);
    expect(await digestAt(OPERATOR, 'v2.9')).toBe(await digestAt(OPERATOR, 'v2.9.2-r0'));
    await publish('2.9.10', 0);
    await publish('2.9.9', 1);
    await publish('2.10.0', 0);
    const newest = await digestAt(OPERATOR, 'v2.9.10-r0');
    expect(newest).toBeDefined();
    expect(await digestAt(OPERATOR, 'v2.9')).toBe(newest);
    expect(await digestAt(OPERATOR, 'v2.9.9')).toBe(await digestAt(OPERATOR, 'v2.9.9-r1'));
    expect(await digestAt(OPERATOR, 'v2.10')).toBe(await digestAt(OPERATOR, 'v2.10.0-r0'));
    await publish('2.9.10', 1);
    expect(await digestAt(OPERATOR, 'v2.9')).toBe(await digestAt(OPERATOR, 'v2.9.10-r1'));
    expect((await place.tags(FLUX)).filter((tag) => !tag.startsWith('sha256-')).sort()).toEqual([
      'v2.10.0',
      'v2.10.0-r0',
      'v2.9.10',
      'v2.9.10-r0',
      'v2.9.10-r1',
      'v2.9.2',
      'v2.9.2-r0',
      'v2.9.9',
      'v2.9.9-r1',
    ]);
  });
});

describe('publishing manifests', () => {
  it('moves all tags or none: where the line can not follow, the release does not either', async () => {
    const { publish, digestAt, registry } = await setUp('registry');
    await publish('2.9.2', 0);
    registry?.fail({ kind: 'status', status: 403, when: /^PUT .*flux-operator-manifests\/manifests\/v2\.9$/ });
    await expect(publish('2.9.2', 1)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    for (const [path, tag] of [
      [FLUX, 'v2.9.2'],
      [OPERATOR, 'v2.9.2'],
      [OPERATOR, 'v2.9'],
    ] as const)
      expect(await digestAt(path, tag)).toBe(await digestAt(path, 'v2.9.2-r0'));
    expect(await digestAt(OPERATOR, 'v2.9.2-r1')).toBeDefined();
  });
});
