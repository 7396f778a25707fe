// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hexOf } from '#core';
import { type Desk, openDesk } from './__fixtures__/desk.ts';
import {
  CVES,
  epssCsv,
  goAdvisory,
  goDatabase,
  goodMirror,
  kevCatalog,
  below,
  writeMirror,
  zipOf,
} from './__fixtures__/mirror.ts';
import { FEED_NAMES } from './feed.ts';

const DAY = 86_400_000;
const KEV = 'kev/known_exploited_vulnerabilities.json';

describe('updating feeds', () => {
  let desk: Desk;
  beforeEach(async () => {
    desk = await openDesk();
    desk.publish(goodMirror());
  });
  afterEach(() => desk.stop());

  it('fetches every feed from a mirror and says of each what is held', async () => {
    const updates = await desk.update();
    expect(updates.map(({ name, result, reading }) => [name, result, reading.state, reading.count])).toEqual([
      ['go', 'updated', 'fresh', 5],
      ['osv', 'updated', 'fresh', 1],
      ['debian', 'updated', 'fresh', 4],
      ['alpine', 'updated', 'fresh', 2],
      ['kev', 'updated', 'fresh', 10],
      ['epss', 'updated', 'fresh', 10],
      ['ssvc', 'updated', 'fresh', 1],
      ['endoflife', 'updated', 'fresh', 7],
    ]);
    expect(await desk.open().status()).toEqual(updates.map(({ reading }) => reading));
    for (const { reading } of updates) {
      expect(reading.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(reading.source).toContain(desk.server.url);
    }
  });

  it('asks with what it knows the second time, is sent nothing, and notes that it looked', async () => {
    await desk.update();
    desk.server.requests.length = 0;
    desk.clock.advance(DAY);
    const updates = await desk.update();
    expect(updates.map(({ result }) => result)).toEqual(FEED_NAMES.map(() => 'unchanged'));
    expect(desk.server.requests.filter(({ status }) => status === 200)).toEqual([]);
    for (const { reading } of updates) {
      expect(reading.checkedAt).toEqual(desk.clock.now());
      expect(reading.fetchedAt?.getTime()).toBe(desk.clock.now().getTime() - DAY);
    }
  });

  it('takes a date where the server has no ETag', async () => {
    const options = { modified: new Date('2026-08-20T10:00:00Z') };
    desk.server.publish('debian-tracker.json', goodMirror()['debian-tracker.json'] as string, options);
    expect((await desk.updateOne('debian')).reading.asOf).toEqual(options.modified);
    expect((await desk.updateOne('debian')).result).toBe('unchanged');
  });

  it('reads a folder, by path and by URL, as it reads a server', async () => {
    const mirror = await mkdtemp(join(tmpdir(), 'oakum-mirror-'));
    try {
      await writeMirror(mirror, goodMirror());
      const served = await desk.update();
      for (const place of [mirror, pathToFileURL(mirror).href]) {
        const other = await openDesk({ mirror: place });
        const updates = await other.update();
        expect(updates.map(({ reading }) => reading.digest)).toEqual(served.map(({ reading }) => reading.digest));
        expect((await other.update()).map(({ result }) => result)).toEqual(FEED_NAMES.map(() => 'unchanged'));
        await other.stop();
      }
    } finally {
      await rm(mirror, { recursive: true });
    }
  });

  it.each([
    ['a status', { kind: 'status', status: 403 }, /answered 403/],
    ['a broken-off answer', { kind: 'cut' }, /broke off/],
    ['what is no JSON', { kind: 'instead', body: '<html>Sign in</html>' }, /no JSON/],
    ['50 MB of nesting', { kind: 'instead', body: '['.repeat(50_000_000) }, /nested/],
    ['another schema', { kind: 'instead', body: '{"vulnerabilities":[]}' }, /does not have its schema: dateReleased/],
    [
      'an entry that is missing',
      { kind: 'instead', body: JSON.stringify({ ...kevCatalog(CVES), count: 11 }) },
      /says that it holds 11/,
    ],
    ['an empty feed', { kind: 'instead', body: JSON.stringify(kevCatalog([])) }, /empty/],
    [
      'a lost tenth and more',
      { kind: 'instead', body: JSON.stringify(kevCatalog(CVES.slice(0, 7))) },
      /shrank from 10 entries to 7/,
    ],
    [
      'an older feed',
      { kind: 'instead', body: JSON.stringify(kevCatalog(CVES, '2026-08-01T00:00:00Z')) },
      /older than the one held/,
    ],
  ] as const)('keeps the last good feed and says why on %s', async (_name, fault, reason) => {
    const before = await desk.updateOne('kev');
    desk.server.fail({ path: /^kev/, ...fault });
    const { result, reading } = await desk.updateOne('kev');
    expect(result).toBe('failed');
    expect(reading).toMatchObject({
      state: 'faulty',
      reason: expect.stringMatching(reason),
      digest: before.reading.digest,
    });
    expect((await desk.open().kev(new Set(CVES))).size).toBe(10);
    desk.server.heal();
    expect((await desk.updateOne('kev')).reading.state).toBe('fresh');
  });

  it('accepts a smaller and an older feed where it is named', async () => {
    await desk.updateOne('kev');
    desk.publish({ [KEV]: JSON.stringify(kevCatalog(CVES.slice(0, 2), '2026-08-01T00:00:00Z')) });
    expect((await desk.updateOne('kev', { accept: ['epss'] })).result).toBe('failed');
    expect((await desk.updateOne('kev', { accept: ['kev'] })).reading).toMatchObject({ state: 'fresh', count: 2 });
  });

  it('lets a feed lose a fifth, and no more', async () => {
    await desk.updateOne('kev');
    desk.publish({ [KEV]: JSON.stringify(kevCatalog(CVES.slice(0, 8))) });
    expect((await desk.updateOne('kev')).reading).toMatchObject({ state: 'fresh', count: 8 });
  });

  it('says "missing" and why where nothing was ever held', async () => {
    expect(await desk.reading('go')).toMatchObject({
      state: 'missing',
      reason: expect.stringMatching(/never fetched/),
    });
    desk.server.withdraw('go-vulndb/index/db.json');
    expect(await desk.updateOne('go')).toMatchObject({
      result: 'failed',
      reading: { state: 'missing', reason: expect.stringMatching(/no such file .*go-vulndb\.zip/) },
    });
  });

  it('calls every feed faulty when the mirror is gone, and goes on with each', async () => {
    await desk.update();
    await desk.server.stop();
    const updates = await desk.update();
    expect(updates.map(({ result }) => result)).toEqual(FEED_NAMES.map(() => 'failed'));
    expect(updates.map(({ reading }) => reading.state)).toEqual(FEED_NAMES.map(() => 'faulty'));
    expect((await desk.open().advisories('Go', new Set(['example.com/m1']))).length).toBe(1);
  });

  it('does not take a folder that is gone for an empty mirror', async () => {
    const { reading } = await desk.updateOne('kev', { sources: { mirror: join(desk.folder, 'gone') } });
    expect(reading.reason).toMatch(/can't be read/);
  });

  it('calls a feed stale by its own date as well as by the last look', async () => {
    await desk.update();
    desk.clock.advance(8 * DAY);
    const old = await desk.update();
    // These state no date of their own; the others were made on 2026-08-20.
    expect(old.filter(({ reading }) => reading.state === 'fresh').map(({ name }) => name)).toEqual([
      'osv',
      'debian',
      'alpine',
      'kev',
      'ssvc',
      'endoflife',
    ]);
    expect(old[0]?.reading).toMatchObject({
      state: 'stale',
      reason: expect.stringMatching(/^9 days old, more than the 7 allowed/),
    });
    desk.clock.advance(31 * DAY);
    expect((await desk.open().status()).map(({ state }) => state)).toEqual(FEED_NAMES.map(() => 'stale'));
  });

  it('does not ask the public address for SSVC unless it is named, and forgives a mirror that has none', async () => {
    desk.server.withdraw('ssvc/vulnrichment.zip');
    expect((await desk.update()).find(({ name }) => name === 'ssvc')).toMatchObject({
      result: 'absent',
      reading: { state: 'missing' },
    });
    const asked: string[] = [];
    await desk.update(undefined, {
      sources: {},
      http: async ({ url }) => {
        asked.push(url);
        return { status: 500, headers: new Headers(), url, body: (async function* () {})() };
      },
    });
    expect(asked.filter((url) => url.includes('vulnrichment'))).toEqual([]);
    expect(new Set(asked.map((url) => new URL(url).host))).toEqual(
      new Set([
        'vuln.go.dev',
        'osv-vulnerabilities.storage.googleapis.com',
        'security-tracker.debian.org',
        'secdb.alpinelinux.org',
        'www.cisa.gov',
        'epss.empiricalsecurity.com',
        'endoflife.date',
      ]),
    );
  });

  it('sends the credentials of a mirror and writes them nowhere', async () => {
    const mirror = desk.server.url.replace('//', '//me:s%40fe@');
    await desk.update(undefined, { sources: { mirror } });
    expect(desk.server.requests[0]?.authorization).toBe(`Basic ${Buffer.from('me:s@fe').toString('base64')}`);
    desk.server.fail({ path: /kev/, kind: 'status', status: 401 });
    const { reading } = await desk.updateOne('kev', { sources: { mirror } });
    expect(reading.reason).toMatch(/answered 401/);
    for (const name of await readdir(join(desk.folder, 'feeds'))) {
      const record = await readFile(join(desk.folder, 'feeds', name, 'record.json'), 'utf8');
      expect(record).not.toMatch(/s(@|%40)fe|me:/);
    }
    expect(JSON.stringify(desk.events)).not.toMatch(/s(@|%40)fe/);
  });

  it.each(['ftp://example.com/x', 'https://', 's3://bucket'])('refuses the mirror %s', async (mirror) => {
    await expect(desk.update(['kev'], { sources: { mirror } })).rejects.toMatchObject({ code: 'FEED_SOURCE_INVALID' });
  });

  it('notices damage on disk, in whole and in part, and mends it', async () => {
    const { reading } = await desk.updateOne('go');
    const lines = join(desk.folder, 'feeds/go', hexOf(reading.digest ?? 'sha256:'), 'Go.jsonl');
    const bytes = await readFile(lines);
    bytes[bytes.indexOf('example.com/m3')] = 0x58;
    await writeFile(lines, bytes);
    const open = desk.open();
    expect(await open.advisories('Go', new Set(['example.com/m1']))).toHaveLength(1);
    await expect(open.advisories('Go', new Set(['example.com/m3']))).rejects.toMatchObject({ code: 'FEED_DAMAGED' });
    const index = lines.replace('.jsonl', '.keys.json');
    const { size } = await stat(index);
    for (const content of [
      '{"example.com/m1":[[0,9,9]]}',
      '{"example.com/m1":[0,1e99,9]}',
      '{"example.com/m1":[0,9,9]}',
      '{"example.com/m1":[0,999999999999999,9]}',
      '[',
    ]) {
      await writeFile(index, content.padEnd(size));
      const again = desk.open().advisories('Go', new Set(['example.com/m1']));
      await expect(again).rejects.toMatchObject({ code: 'FEED_DAMAGED' });
    }
    await truncate(lines, 10);
    expect(await desk.reading('go')).toMatchObject({
      state: 'missing',
      reason: expect.stringMatching(/Go\.jsonl is damaged/),
    });
    expect((await desk.updateOne('go')).result).toBe('updated');
    expect(await desk.open().advisories('Go', new Set(['example.com/m3']))).toHaveLength(1);
    await writeFile(join(desk.folder, 'feeds/go/record.json'), '{');
    expect(await desk.reading('go')).toMatchObject({ state: 'missing', reason: expect.stringMatching(/damaged/) });
    expect((await desk.updateOne('go')).reading.state).toBe('fresh');
  });

  it('leaves nothing half-written, and keeps the snapshot before this one for those who read it', async () => {
    const folder = join(desk.folder, 'feeds/kev');
    const first = await desk.updateOne('kev');
    const reader = desk.open();
    expect((await reader.kev(new Set(CVES))).size).toBe(10);
    desk.publish({ [KEV]: JSON.stringify(kevCatalog([...CVES, 'CVE-2026-2000'])) });
    const second = await desk.updateOne('kev');
    expect((await reader.kev(new Set([...CVES, 'CVE-2026-2000']))).size).toBe(10);
    desk.server.fail({ path: /kev/, kind: 'cut' });
    await desk.updateOne('kev');
    const names = [first, second].map(({ reading }) => hexOf(reading.digest ?? 'sha256:'));
    expect((await readdir(folder)).sort()).toEqual([...names, 'record.json'].sort());
  });

  it('can run twice at once', async () => {
    const [one, two] = await Promise.all([desk.update(), desk.update()]);
    expect(one?.map(({ reading }) => reading.state)).toEqual(FEED_NAMES.map(() => 'fresh'));
    expect(two?.map(({ reading }) => reading.digest)).toEqual(one?.map(({ reading }) => reading.digest));
    expect((await desk.open().kev(new Set(CVES))).size).toBe(10);
    expect((await readdir(join(desk.folder, 'feeds/go'))).filter((name) => name.startsWith('tmp-'))).toEqual([]);
  });

  it('stops when told to, and says so', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(desk.update(undefined, { signal: stop.signal })).rejects.toThrow('stopped');
  });

  it('has the same digest for the same content, whether by file, by zip, or bit by bit', async () => {
    const all = Array.from({ length: 6 }, (_, index) => goAdvisory(index + 1));
    await desk.updateOne('go');
    desk.publish(below('go-vulndb', goDatabase(all, '2026-08-20T10:00:00Z')));
    const step = await desk.updateOne('go');
    expect(step.reading.count).toBe(6);
    const other = await openDesk();
    other.publish({ 'go-vulndb.zip': zipOf(goDatabase(all, '2026-08-20T10:00:00Z')) });
    expect((await other.updateOne('go')).reading.digest).toBe(step.reading.digest);
    await other.stop();
  });

  it('takes the newest dated file of a folder for EPSS', async () => {
    const mirror = await mkdtemp(join(tmpdir(), 'oakum-mirror-'));
    await writeMirror(mirror, {
      'epss_scores-2026-08-18.csv.gz': epssCsv(['CVE-2026-1000,0.1,0.2'], '2026-08-18'),
      'epss_scores-2026-08-19.csv.gz': epssCsv(['CVE-2026-1000,0.123456789,1.000000000'], '2026-08-19'),
    });
    await desk.updateOne('epss', { sources: { mirror } });
    const found = await desk.open().epss(new Set(['CVE-2026-1000', 'CVE-2026-1001', 'x']));
    expect([...found.values()]).toEqual([
      { cve: 'CVE-2026-1000', score: 0.123456789, percentile: 1, date: '2026-08-19' },
    ]);
    await rm(mirror, { recursive: true });
  });
});
