// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp, type ReportEvent } from '#core';
import { createLayout, openRegistry } from '#image';
import {
  digestOfRelease,
  type FindingsRecord,
  findRelease,
  layoutPlace,
  registryPlace,
  type ReleaseDocument,
  type ReleasePlace,
  RELEASES,
} from '#release';
import { createTestClock, createTestSigner, releaseDocument, startRegistry } from '#testing';
import { publishRelease, type PublishReleaseRequest } from './publish-release.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const NOT_SCANNED: FindingsRecord = { kind: 'not-scanned', reason: 'no feeds' };

/** A built document, as it is before it is published. */
function built(revision: string, change: (document: ReleaseDocument) => void = () => undefined): ReleaseDocument {
  const { publication: _, ...document } = releaseDocument(revision);
  change(document);
  return document;
}

async function openPlace(kind: 'registry' | 'layout'): Promise<ReleasePlace> {
  if (kind === 'layout') {
    const folder = mkdtempSync(join(tmpdir(), 'oakum-publish-release-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    return layoutPlace(await createLayout(join(folder, 'oci')), 'oci');
  }
  const registry = await startRegistry();
  closing.push(() => registry.stop());
  const clock = createTestClock();
  const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
  return registryPlace(client, `${registry.host}/flux`);
}

async function setUp(kind: 'registry' | 'layout') {
  const place = await openPlace(kind);
  const signer = createTestSigner();
  const events: ReportEvent[] = [];
  let day = 0;
  /** Publishes on the next day. */
  const publish = (document: ReleaseDocument, other: Partial<PublishReleaseRequest> = {}) =>
    publishRelease({
      document,
      place,
      kind,
      name: 'registry.example.com/flux/releases',
      now: new Date(Date.UTC(2026, 8, (day += 1))),
      findings: async () => NOT_SCANNED,
      known: { evidence: [] },
      signing: { signer: { ...signer, description: 'a test key' } as never, cosignV2Tags: false },
      report: (event) => void events.push(event),
      ...other,
    });
  const digestAt = async (tag: string) => (await findRelease(place, tag))?.digest;
  return { place, signer, publish, digestAt, events };
}

describe.each(['registry', 'layout'] as const)('publishing release documents to a %s', (kind) => {
  it('chains each revision to the one before it in its line, and moves tags to the newest', async () => {
    const { publish, digestAt } = await setUp(kind);
    const first = await publish(built('2.9.1-r0'));
    const other = await publish(built('2.8.7-r0'));
    const second = await publish(built('2.9.2-r0'));
    const third = await publish(built('2.9.2-r1'));
    const late = await publish(built('2.9.1-r1')); // a fix of an older release, after the newer one
    expect(first.publication?.predecessor).toBeUndefined();
    expect(other.publication?.predecessor).toBeUndefined();
    expect(second.publication?.predecessor).toEqual({ revision: '2.9.1-r0', digest: digestOfRelease(first) });
    expect(third.publication?.predecessor).toEqual({ revision: '2.9.2-r0', digest: digestOfRelease(second) });
    expect(late.publication?.predecessor).toEqual({ revision: '2.9.1-r0', digest: digestOfRelease(first) });
    const [line, release, fixed, older] = await Promise.all(['2.9', '2.9.2', '2.9.1', '2.8'].map(digestAt));
    expect([line, release, fixed, older]).toEqual([third, third, late, other].map(digestOfRelease));
  });

  it('moves no tag back where an older revision is published once more', async () => {
    const { publish, digestAt } = await setUp(kind);
    await publish(built('2.9.2-r0'));
    const newest = await publish(built('2.9.2-r1'));
    await publish(built('2.9.2-r0'));
    expect(await Promise.all(['2.9.2', '2.9'].map(digestAt))).toEqual(Array(2).fill(digestOfRelease(newest)));
  });

  it('keeps a document that is there for the same content, whatever the day, and signs it once', async () => {
    const { publish, signer, digestAt } = await setUp(kind);
    const first = await publish(built('2.9.2-r0'));
    const again = await publish(built('2.9.2-r0'));
    expect(again).toEqual(first);
    expect(signer.signed()).toBe(1);
    expect(await digestAt('2.9.2-r0')).toBe(digestOfRelease(first));
  });

  it('never changes a revision that another builds on', async () => {
    const { publish, digestAt } = await setUp(kind);
    const first = await publish(built('2.9.2-r0'));
    await publish(built('2.9.2-r1'));
    const other = built('2.9.2-r0', ({ channels }) => channels['fips']?.images.pop());
    await expect(publish(other)).rejects.toMatchObject({
      code: 'REVISION_EXISTS',
      where: expect.stringMatching(/releases:2\.9\.2-r0$/),
    });
    expect(await digestAt('2.9.2-r0')).toBe(digestOfRelease(first));
  });

  it('shows nothing of a revision whose document could not be signed', async () => {
    const { publish, place } = await setUp(kind);
    const broken = {
      ...createTestSigner(),
      sign: () => Promise.reject(new Error('the key is gone')),
      description: 'none',
    };
    const signing = { signer: broken as never, cosignV2Tags: false };
    await expect(publish(built('2.9.2-r0'), { signing })).rejects.toThrow('the key is gone');
    const tags = (await place.tags(RELEASES)).filter((tag) => !tag.startsWith('sha256-'));
    expect(tags).toEqual([]);
    await publish(built('2.9.2-r0'));
    expect(await findRelease(place, '2.9')).toBeDefined();
  });
});

describe('publishing release documents', () => {
  it('lets a layout have the document anew until another builds on it', async () => {
    const { publish, digestAt } = await setUp('layout');
    const first = await publish(built('2.9.2-r0'));
    const scanned: FindingsRecord = {
      kind: 'scanned',
      at: '2026-09-02T00:00:00Z',
      feeds: [],
      open: [],
      closed: [],
      gaps: [],
    };
    const second = await publish(built('2.9.2-r0'), { findings: async () => scanned });
    expect(digestOfRelease(second)).not.toBe(digestOfRelease(first));
    expect(await digestAt('2.9')).toBe(digestOfRelease(second));
  });

  it('does not scan again for a registry that has the document', async () => {
    const { publish } = await setUp('registry');
    await publish(built('2.9.2-r0'));
    const findings = () => Promise.reject(new Error('scanned again'));
    await expect(publish(built('2.9.2-r0'), { findings })).resolves.toMatchObject({ revision: '2.9.2-r0' });
  });

  it('publishes no document for a part of a release in a registry, and says so', async () => {
    const { publish, place, events } = await setUp('registry');
    const document = await publish(built('2.9.2-r0', (one) => (one.partial = true)));
    expect(document).toMatchObject({ partial: true, publication: { findings: NOT_SCANNED } });
    expect(await place.tags(RELEASES)).toEqual([]);
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'note', message: expect.stringContaining('a part of 2.9.2-r0') }),
    );
  });
});
