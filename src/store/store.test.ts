// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Digest, digestOf, type ReportEvent } from '#core';
import { leaveScan, type StoredImage, withStore } from '#store';
import { scan } from '#vulnerabilities';
import { ENGINES, type Engines, startEngines } from './__fixtures__/engines.ts';
import { waitingScans } from './inbox.ts';
import { advisory, feedsOf, scanned, subject } from './__fixtures__/feeds.ts';

const DAY_2 = new Date('2026-08-02T00:00:00Z');
const DAY_3 = new Date('2026-08-03T00:00:00Z');
const A = advisory('GO-2026-0001', 'example.com/a', { aliases: ['CVE-2026-1'] });
const B = advisory('GO-2026-0002', 'example.com/b');

let engines: Engines;
beforeAll(async () => {
  engines = await startEngines();
});
afterAll(() => engines?.stop());

function image(component: string, revision: string, digest: Digest): StoredImage {
  return {
    component,
    channel: 'distroless',
    revision,
    repository: `registry.example.com/distroless/${component}`,
    index: digestOf(`index of ${digest}`),
    platforms: [{ platform: 'linux/amd64', digest }],
    tag: `v1-${revision}`,
  };
}

describe.each(ENGINES)('the store on %s', (engine) => {
  test('gives back what the scan found, with the same gaps, and takes in a scan once', async () => {
    const options = engines.newStore(engine);
    const made = feedsOf([A, B]);
    const subjects = [subject('one.json', ['example.com/a@v1.0.0', 'example.com/b@v2.0.0', 'example.com/c@(devel)'])];
    const result = await scan(subjects, { feeds: made.feeds, now: DAY_2 });
    const record = await scanned(subjects, made);
    await leaveScan(options.dataFolder, record);
    await leaveScan(options.dataFolder, record);
    await withStore(options, async (store) => {
      expect((await store.status()).taken).toBe(2);
      expect(await store.refresh(made.feeds, DAY_2)).toMatchObject({ kind: 'refreshed', matched: 3, sboms: 1 });
      const [report, ...others] = await store.reports(made.feeds);
      expect(others).toEqual([]);
      const [found] = result.reports;
      if (found === undefined) throw new Error('nothing was scanned');
      const { findings, ...rest } = found;
      expect(report).toMatchObject(JSON.parse(JSON.stringify(rest)));
      expect(report?.findings).toEqual(findings.map((finding) => ({ ...finding, firstSeen: DAY_2 })));
      expect((await store.status()).counts).toMatchObject({ subjects: 1, sboms: 1, packages: 3, scans: 1, flaws: 1 });
    });
    expect(await waitingScans(options.dataFolder)).toEqual([]);
  });

  test('shares packages between SBOMs, and matches only what a changed advisory names', async () => {
    const options = engines.newStore(engine);
    const first = feedsOf([A, B]);
    const names = Array.from({ length: 40 }, (_, place) => `example.com/m${place}@v1.0.0`);
    const subjects = Array.from({ length: 20 }, (_, place) =>
      subject(`sbom-${place}`, [
        ...names,
        ...(place < 5 ? ['example.com/b@v1.0.0'] : []),
        `example.com/own@v1.0.${place}`,
      ]),
    );
    await leaveScan(options.dataFolder, await scanned(subjects, first));
    const C = advisory('GO-2026-0003', 'example.com/b', { aliases: ['CVE-2026-3'] });
    const second = feedsOf([A, B, C], { day: 3, before: [A, B] });
    await withStore(options, async (store) => {
      await store.refresh(first.feeds, DAY_2);
      expect((await store.status()).counts).toMatchObject({ sboms: 20, packages: 61 });
      expect(await store.refresh(first.feeds, DAY_2)).toMatchObject({ kind: 'current', matched: 0 });
      const refresh = await store.refresh(second.feeds, DAY_3);
      expect(refresh).toMatchObject({ kind: 'refreshed', changedPackages: 1, sboms: 20, affectedSboms: 5, matched: 1 });
      expect(refresh.changes).toEqual([
        expect.objectContaining({
          kind: 'new',
          name: 'GO-2026-0003',
          subjects: 5,
          package: expect.objectContaining({ name: 'example.com/b' }),
        }),
      ]);
      expect(second.asked).toEqual([['example.com/b']]);
      const reports = await store.reports(second.feeds, { names: ['CVE-2026-3'] });
      expect(reports.map(({ target }) => target)).toEqual(['sbom-0', 'sbom-1', 'sbom-2', 'sbom-3', 'sbom-4']);
      expect(reports[0]?.findings.map(({ id, firstSeen }) => [id, firstSeen])).toEqual([['GO-2026-0003', DAY_3]]);
    });
  });

  test('keeps the time a flaw was first seen when it is named otherwise, and notes what is gone', async () => {
    const options = engines.newStore(engine);
    const first = feedsOf([A]);
    await leaveScan(options.dataFolder, await scanned([subject('x', ['example.com/a@v1.0.0'])], first));
    const ghsa = { ...A, id: 'GHSA-aaaa-bbbb-cccc', summary: 'said otherwise' };
    const second = feedsOf([ghsa], { day: 3, before: [A] });
    const third = feedsOf([{ ...ghsa, withdrawn: '2026-08-04T00:00:00Z' }], { day: 4, before: [ghsa] });
    const fourth = feedsOf([ghsa], { day: 5 });
    await withStore(options, async (store) => {
      await store.refresh(first.feeds, DAY_2);
      const renamed = await store.refresh(second.feeds, DAY_3);
      expect(renamed.changes.map(({ kind, name }) => [kind, name])).toEqual([['changed', 'CVE-2026-1']]);
      expect((await store.reports(second.feeds))[0]?.findings).toEqual([
        expect.objectContaining({
          ids: ['CVE-2026-1', 'GHSA-aaaa-bbbb-cccc'],
          summary: 'said otherwise',
          firstSeen: DAY_2,
        }),
      ]);
      expect((await store.refresh(third.feeds, DAY_3)).changes.map(({ kind }) => kind)).toEqual(['gone']);
      expect(await store.reports(third.feeds)).toMatchObject([{ findings: [], setAside: [{ reason: 'withdrawn' }] }]);
      expect(await store.refresh(fourth.feeds, DAY_3)).toMatchObject({
        changedPackages: 'all',
        changes: [{ kind: 'new' }],
      });
      expect((await store.reports(fourth.feeds))[0]?.findings[0]?.firstSeen).toEqual(DAY_2);
    });
  });

  test('never goes back to older feeds', async () => {
    const options = engines.newStore(engine);
    const older = feedsOf([A]);
    const newer = feedsOf([A, B], { day: 3 });
    await leaveScan(options.dataFolder, await scanned([subject('x', ['example.com/b@v1.0.0'])], newer));
    await withStore(options, (store) => store.refresh(newer.feeds, DAY_3));
    await leaveScan(options.dataFolder, await scanned([subject('y', ['example.com/a@v1.0.0'])], older));
    await withStore(options, async (store) => {
      expect(await store.refresh(older.feeds, DAY_3)).toMatchObject({ kind: 'older', matched: 0 });
      const [x, y] = await store.reports(older.feeds);
      expect(x?.findings.map(({ id }) => id)).toEqual(['GO-2026-0002']);
      expect(y).toMatchObject({ findings: [], gaps: [{ what: '1 packages', reason: 'they were not looked up yet' }] });
    });
  });

  test('shows the newest revision of each line, or the one that is named, and what is of none', async () => {
    const options = engines.newStore(engine);
    const made = feedsOf([A]);
    const revisions = ['2.9.2-r9', '2.9.2-r10', '2.8.1-r0'].map((revision) => {
      const digest = digestOf(revision);
      const more = { kind: 'image', digest, platform: 'linux/amd64' } as const;
      return {
        image: image('source-controller', revision, digest),
        subject: subject(`sc:${revision}`, ['example.com/a@v1.0.0'], more),
      };
    });
    const releases = revisions.map((one) => ({ distribution: 'acme', images: [one.image] }));
    const subjects = [...revisions.map((one) => one.subject), subject('alone', ['example.com/a@v1.0.0'])];
    await leaveScan(options.dataFolder, await scanned(subjects, made, { releases }));
    await withStore(options, async (store) => {
      await store.refresh(made.feeds, DAY_2);
      const targets = async (filter: Parameters<typeof store.reports>[1]) =>
        (await store.reports(made.feeds, filter)).map(({ target }) => target);
      expect(await targets({})).toEqual(['alone', 'sc:2.8.1-r0', 'sc:2.9.2-r10']);
      expect(await targets({ line: '2.9' })).toEqual(['sc:2.9.2-r10']);
      expect(await targets({ revision: '2.9.2' })).toEqual(['sc:2.9.2-r10', 'sc:2.9.2-r9']);
      expect(await targets({ components: ['helm-controller'] })).toEqual([]);
      expect(await targets({ platforms: ['linux/arm64'] })).toEqual([]);
      expect(await targets({ allRevisions: true })).toHaveLength(4);
      const [report] = await store.reports(made.feeds, { revision: '2.9.2-r10' });
      expect(report).toMatchObject({ distribution: 'acme', image: revisions[1]?.image });
    });
  });

  test('leaves out on one platform what concerns another only', async () => {
    const options = engines.newStore(engine);
    const made = feedsOf([advisory('GO-2026-0009', 'example.com/w', { goos: ['windows'] })]);
    const on = (platform: string) => subject(platform, ['example.com/w@v1.0.0'], { platform });
    await leaveScan(options.dataFolder, await scanned([on('linux/amd64'), on('windows/amd64')], made));
    await withStore(options, async (store) => {
      await store.refresh(made.feeds, DAY_2);
      const reports = await store.reports(made.feeds);
      expect(reports.map(({ findings, setAside }) => [findings.length, setAside.length])).toEqual([
        [0, 1],
        [1, 0],
      ]);
    });
  });

  test('keeps hostile strings as they are, but for what PostgreSQL has no place for', async () => {
    const options = engines.newStore(engine);
    const hostile = `'); drop table flaws; -- "\\u0000" $1 \u0000 \ud800 \u202e {a,b} \\`;
    const made = feedsOf([
      advisory('GO-2026-0001', 'example.com/a', { summary: hostile, aliases: [`CVE-'"${hostile}`] }),
    ]);
    const bad = subject(hostile, ['example.com/a@v1.0.0'], {
      gaps: [{ what: hostile, reason: hostile }],
      packages: [
        {
          ecosystem: 'Go',
          name: hostile,
          version: hostile,
          scope: 'image',
          occurrences: [{ name: hostile, version: '' }],
        },
        ...subject('', ['example.com/a@v1.0.0']).packages,
      ],
    });
    await leaveScan(options.dataFolder, await scanned([bad], made));
    const kept = hostile.replace('\u0000', '\uFFFD').replace('\ud800', '\uFFFD');
    await withStore(options, async (store) => {
      await store.refresh(made.feeds, DAY_2);
      const [report] = await store.reports(made.feeds);
      expect(report).toMatchObject({
        target: kept,
        packages: 2,
        gaps: expect.arrayContaining([{ what: kept, reason: kept }]),
      });
      expect(report?.findings).toMatchObject([{ summary: kept, ids: ['GO-2026-0001', `CVE-'"${kept}`] }]);
      expect(await store.reports(made.feeds, { names: [`CVE-'"${kept}`] })).toHaveLength(1);
    });
  });

  test('rebuilds the same rows from the same scans and feeds', async () => {
    const options = engines.newStore(engine);
    const made = feedsOf([A, B]);
    const subjects = [
      subject('x', ['example.com/a@v1.0.0']),
      subject('y', ['example.com/a@v1.0.0', 'example.com/b@v1.0.0']),
    ];
    const record = await scanned(subjects, made, {
      releases: [{ distribution: 'acme', images: [image('a', '2.9.2-r0', digestOf('m'))] }],
    });
    await leaveScan(options.dataFolder, record);
    await withStore(options, async (store) => {
      await store.refresh(made.feeds, DAY_2);
      const before = [await store.status(), await store.reports(made.feeds), await store.images()];
      await store.rebuild([record], made.feeds, DAY_2);
      const { bytes: _size, ...status } = await store.status();
      expect([status, await store.reports(made.feeds), await store.images()]).toEqual([
        expect.objectContaining({ ...status, counts: (before[0] as typeof status).counts }),
        before[1],
        before[2],
      ]);
      const broken = { ...made.feeds, advisories: async () => Promise.reject(new Error('the feed is gone')) };
      await expect(
        store.rebuild([], made.feeds, DAY_2).then(() => store.rebuild([record], broken, DAY_2)),
      ).rejects.toThrow('the feed is gone');
      expect((await store.status()).counts.subjects).toBe(0);
    });
  });

  test('moves a damaged scan aside, says so, and takes the others', async () => {
    const events: ReportEvent[] = [];
    const options = { ...engines.newStore(engine), report: (event: ReportEvent) => void events.push(event) };
    const inbox = join(options.dataFolder, 'store', 'inbox');
    mkdirSync(inbox, { recursive: true });
    writeFileSync(join(inbox, '0.json'), '{"version":1,');
    writeFileSync(
      join(inbox, '1.json'),
      '{"version":1,"scannedAt":"2026-08-02T00:00:00Z","feeds":{},"releases":[],"subjects":[{"target":1}]}',
    );
    await leaveScan(options.dataFolder, await scanned([subject('x', [])], feedsOf([])));
    await withStore(options, async (store) => expect((await store.status()).taken).toBe(1));
    expect(readdirSync(join(options.dataFolder, 'store', 'damaged'))).toEqual(['0.json', '1.json']);
    expect(events.map(({ kind }) => kind)).toEqual(['warning', 'warning']);
  });

  test('takes an SBOM of fifty thousand packages', async () => {
    const options = engines.newStore(engine);
    const made = feedsOf([A]);
    const names = Array.from({ length: 50_000 }, (_, place) => `example.com/m${place}@v1.0.0`);
    await leaveScan(options.dataFolder, await scanned([subject('huge', [...names, 'example.com/a@v1.0.0'])], made));
    await withStore(options, async (store) => {
      expect(await store.refresh(made.feeds, DAY_2)).toMatchObject({ matched: 50_001 });
      expect(await store.reports(made.feeds)).toMatchObject([{ packages: 50_001, findings: [{ id: 'GO-2026-0001' }] }]);
    });
  });
});
