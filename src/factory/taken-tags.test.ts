// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Lock } from '#definition';
import { createLayout } from '#image';
import { layoutPlace, releaseArtifact, type ReleaseDocument, type ReleasePlace, RELEASES } from '#release';
import { releaseDocument } from '#testing';
import type { BuildRequest } from './images.ts';
import { nextRevision } from './patch.ts';
import { requireFreeTags } from './taken-tags.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A document of a later release as upstream makes one: alpha is new, beta has the version that it had. */
function later(revision: string, change: (document: ReleaseDocument) => void = () => undefined): ReleaseDocument {
  const document = releaseDocument(revision);
  const before = releaseDocument(`2.9.2-r${revision.split('-r')[1]}`);
  for (const [name, { images }] of Object.entries(document.channels)) {
    const beta = before.channels[name]?.images[1];
    if (beta !== undefined) images[1] = structuredClone(beta);
  }
  change(document);
  return document;
}

/** What builds such a document, from a lock that holds what the document says. */
function buildOf(document: ReleaseDocument, revisions: readonly string[] = []): BuildRequest {
  const [channel] = Object.values(document.channels);
  const number = Number(document.revision.split('-r')[1]);
  const components = channel?.images.map(({ component, source: { nested, commit: _, ...module } }) => [
    component,
    { module, nested },
  ]);
  const channels = Object.keys(document.channels);
  return {
    release: document.release,
    revision: number,
    selection: { channels, components: components?.map(([name]) => name) ?? [], platforms: ['linux/amd64'] },
    definition: {
      toolchain: document.toolchain.version,
      channels: Object.fromEntries(channels.map((name) => [name, { base: 'ground' }])),
    },
    lock: {
      releases: { [document.release]: { components: Object.fromEntries(components ?? []) } },
      bases: { ground: structuredClone(channel?.base) },
      revisions: Object.fromEntries(revisions.map((name) => [name, {}])),
    },
  } as unknown as BuildRequest;
}

async function published(...documents: readonly ReleaseDocument[]): Promise<ReleasePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'oakum-taken-tags-'));
  folders.push(folder);
  const place = layoutPlace(await createLayout(join(folder, 'oci')), 'oci');
  for (const document of documents) {
    const parcel = releaseArtifact(document);
    await place.put(RELEASES, parcel, document.revision);
    // Stand-ins: that there is something is all that is looked at.
    for (const [channel, { images }] of Object.entries(document.channels))
      for (const { component, tags } of images) await place.put(`${channel}/${component}`, parcel, tags[0]);
  }
  return place;
}

const moved = (document: ReleaseDocument) => {
  const build = buildOf(document);
  const libc = { name: 'libc6', version: '9.9', sha256: `sha256:${'9'.repeat(64)}` };
  Object.assign(build.lock.bases['ground'] ?? {}, { packages: { 'linux/amd64': [libc] } });
  return build;
};

describe('a tag that two releases have in common', () => {
  it('is shared where both are made from the same, or nothing of the other is published', async () => {
    const next = buildOf(later('2.9.3-r0'));
    await expect(requireFreeTags(next, await published(releaseDocument('2.9.2-r0')))).resolves.toBeUndefined();
    await expect(requireFreeTags(next, await published())).resolves.toBeUndefined();
    await expect(requireFreeTags(moved(later('2.9.3-r0')), await published())).resolves.toBeUndefined();
  });

  it('is refused where the base has moved, with what differs and the next number that is free', async () => {
    const place = await published(releaseDocument('2.9.2-r0'));
    await expect(requireFreeTags(moved(later('2.9.3-r0')), place)).rejects.toMatchObject({
      code: 'REVISION_EXISTS',
      where: expect.stringMatching(/distroless\/beta:v1\.9\.2-r0$/),
      message: expect.stringMatching(
        /2\.9\.3-r0 and 2\.9\.2-r0 have beta v1\.9\.2 in common.*libc6 not there, 9\.9 here/,
      ),
      hint: expect.stringMatching(/Nothing was built\. All tags of 2\.9\.3-r1 are free.*--revision 1\./),
    });
    const patched = await published(releaseDocument('2.9.2-r0'), releaseDocument('2.9.2-r1'));
    await expect(requireFreeTags(moved(later('2.9.3-r0')), patched)).rejects.toMatchObject({
      hint: expect.stringContaining('--revision 2.'),
    });
  });

  it('is refused for another toolchain, source or patch', async () => {
    const place = await published(releaseDocument('2.9.2-r0'));
    const other = (change: (build: BuildRequest) => unknown) => {
      const build = structuredClone(buildOf(later('2.9.3-r0')));
      change(build);
      return requireFreeTags(build, place);
    };
    await expect(other((build) => Object.assign(build.definition, { toolchain: '1.99.0' }))).rejects.toThrow(
      /1\.99\.0 here/,
    );
    await expect(
      other((build) =>
        Object.assign(build.lock.releases['2.9.3']?.components['beta']?.module ?? {}, { zipHash: 'h1:x' }),
      ),
    ).rejects.toThrow(/another source/);
    await expect(
      other((build) =>
        Object.assign(build, { overlays: { beta: { requires: [{ path: 'a', to: 'v1' }], patches: [] } } }),
      ),
    ).rejects.toMatchObject({
      message: expect.stringContaining('patched otherwise'),
      hint: expect.stringContaining('in oakum.lock'),
    });
  });

  it('is no matter of other lines or numbers, nor of a revision that is there itself', async () => {
    const place = await published(releaseDocument('2.9.2-r1'), releaseDocument('2.8.2-r0'));
    await expect(requireFreeTags(moved(later('2.9.3-r0')), place)).resolves.toBeUndefined();
    const there = await published(releaseDocument('2.9.2-r0'), later('2.9.3-r0'));
    await expect(requireFreeTags(moved(later('2.9.3-r0')), there)).resolves.toBeUndefined();
  });
});

describe('the number of the next revision', () => {
  const lock = (revisions: readonly string[], version = 'v1') =>
    ({
      releases: Object.fromEntries(
        ['2.9.2', '2.9.3'].map((name) => [
          name,
          {
            components: {
              alpha: { module: { version: name } },
              beta: { module: { version: name === '2.9.2' ? 'v1' : version } },
            },
          },
        ]),
      ),
      revisions: Object.fromEntries(revisions.map((name) => [name, {}])),
    }) as unknown as Lock;

  it.each([
    [[], { number: 1, before: 0 }],
    [['2.9.3-r1'], { number: 2, before: 1 }],
    [['2.9.2-r1', '2.9.2-r2'], { number: 3, before: 0 }],
    [['2.9.2-r2', '2.9.3-r1'], { number: 3, before: 1 }],
    [['2.8.9-r1'], { number: 1, before: 0 }],
  ])('after %j passes over what a release with a version in common has', (revisions, expected) => {
    expect(nextRevision(lock(revisions), '2.9.3')).toEqual(expected);
  });

  it('is not touched by a release without a version in common', () => {
    expect(nextRevision(lock(['2.9.2-r1'], 'v2'), '2.9.3')).toEqual({ number: 1, before: 0 });
  });
});
