// SPDX-License-Identifier: Apache-2.0
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Desk, openDesk } from './__fixtures__/desk.ts';
import { CVES, epssCsv, lifeCycles, secdb, TRACKER, vulnrichment, zipOf } from './__fixtures__/mirror.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => desk.stop());

interface Osv {
  readonly id: string;
  readonly upstream?: readonly string[];
  readonly related?: readonly string[];
  readonly affected: readonly { readonly ranges: readonly { readonly events: readonly Record<string, string>[] }[] }[];
}

async function find(ecosystem: string, ...packages: string[]): Promise<readonly Osv[]> {
  return (await desk.open().advisories(ecosystem, new Set(packages))) as readonly Osv[];
}

function fixesOf(advisory: Osv | undefined): readonly (string | undefined)[] {
  return (advisory?.affected ?? []).flatMap(({ ranges }) => ranges.map(({ events }) => events[1]?.['fixed']));
}

describe("Debian's tracker", () => {
  it('becomes one OSV record per package and release, with its notes', async () => {
    desk.publish({ 'debian-tracker.json': JSON.stringify(TRACKER, null, 1) });
    expect((await desk.updateOne('debian')).reading).toMatchObject({
      count: 4,
      ecosystems: ['Debian:12', 'Debian:13'],
    });
    const [bookworm, ...others] = await find('Debian:12', 'glibc', 'openssl');
    expect(others).toEqual([]);
    expect(bookworm).toEqual({
      schema_version: '1.7.3',
      id: 'DEBIAN-CVE-2026-0001',
      upstream: ['CVE-2026-0001'],
      details: 'a } in "a" text \\',
      affected: [
        {
          package: { ecosystem: 'Debian:12', name: 'glibc' },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.36-9+deb12u1' }] }],
          ecosystem_specific: { status: 'resolved', urgency: 'low' },
        },
      ],
      references: [{ type: 'ADVISORY', url: 'https://security-tracker.debian.org/tracker/CVE-2026-0001' }],
      database_specific: { source: 'https://security-tracker.debian.org/tracker', scope: 'remote', debianbug: 12 },
    });
    const trixie = await find('Debian:13', 'glibc', 'openssl');
    expect(trixie.map((advisory) => [advisory.id, ...fixesOf(advisory)])).toEqual([
      ['DEBIAN-CVE-2026-0001', undefined],
      ['DEBIAN-CVE-2026-0001', '3.5.1-1+deb13u1'],
      ['DEBIAN-TEMP-0000000-ABCDEF', undefined],
    ]);
    expect(trixie[0]).toMatchObject({
      affected: [
        { ecosystem_specific: { status: 'open', urgency: 'not yet assigned', nodsa: 'Minor issue', nodsa_reason: '' } },
      ],
    });
    const byId = await desk.open().advisoriesById(new Set(['DEBIAN-TEMP-0000000-ABCDEF', 'CVE-2026-0001']));
    expect(byId).toHaveLength(4);
    expect(await desk.open().advisoriesById(new Set(['DEBIAN-CVE-2026-0001']))).toHaveLength(3);
  });

  it('is read packed too', async () => {
    desk.publish({ 'debian-tracker.json.gz': gzipSync(JSON.stringify(TRACKER)) });
    expect((await desk.updateOne('debian')).reading.count).toBe(4);
  });

  it.each([
    ['cut short', JSON.stringify(TRACKER).slice(0, -20), /cut short/],
    ['a list', '[]', /no JSON object/],
    ['an endless text', `{"a": "${'x'.repeat(70 << 20)}`, /larger than/],
    ['two documents', `${JSON.stringify(TRACKER)}{}`, /no JSON object/],
    ['a package twice', `{"a":{},"a":{}}`, /twice/],
    [
      'an unknown state',
      JSON.stringify({ a: { 'CVE-2026-1': { releases: { trixie: { status: 'maybe' } } } } }),
      /status/,
    ],
    ['nesting', `{"a":${'['.repeat(100)}`, /nested/],
    ['nothing', '{}', /empty/],
  ])('is refused: %s', async (_name, text, reason) => {
    desk.publish({ 'debian-tracker.json': text });
    expect((await desk.updateOne('debian')).reading).toMatchObject({
      state: 'missing',
      reason: expect.stringMatching(reason),
    });
  });

  it('is refused as a gzip bomb at the limit, not after it', async () => {
    const bomb = gzipSync(Buffer.alloc(80 << 20, 0x20));
    desk.publish({ 'debian-tracker.json.gz': Buffer.concat(Array.from({ length: 6 }, () => bomb)) });
    expect((await desk.updateOne('debian')).reading.reason).toMatch(/more than the \d+ bytes allowed/);
  });

  it('is refused when it loses a whole release', async () => {
    desk.publish({ 'debian-tracker.json': JSON.stringify(TRACKER) });
    await desk.updateOne('debian');
    const { openssl } = TRACKER;
    desk.publish({ 'debian-tracker.json': JSON.stringify({ a: openssl, b: openssl, c: openssl, openssl }) });
    expect((await desk.updateOne('debian')).reading.reason).toMatch(/Debian:12 shrank from 1 entries to 0/);
  });
});

describe("Alpine's database", () => {
  const publish = (packages: Parameters<typeof secdb>[2], branch = 'v3.21', repository = 'main') =>
    desk.publish({ [`alpine-secdb/${branch}/${repository}.json`]: secdb(branch, repository, packages) });

  it('becomes OSV records: several ids in one entry, several fixes of one id, and those that never were', async () => {
    publish({
      xen: { '4.9.1-r1': ['XSA-246 CVE-2017-17044 CVE-2017-17045', 'CVE-2017-2616 (+ regression fix)'] },
      curl: {
        '8.1-r0': ['CVE-2026-1'],
        '8.2-r0': ['CVE-2026-1', 'CVE-2026-2 GHSA-aaaa-bbbb-cccc'],
        '0': ['CVE-2026-3'],
      },
      busybox: { '1.35-r7': ['ALPINE-13661'] },
    });
    await desk.updateOne('alpine');
    const curl = await find('Alpine:v3.21', 'curl');
    expect(curl.map((advisory) => [advisory.id, fixesOf(advisory)])).toEqual([
      ['ALPINE-CVE-2026-1', ['8.1-r0', '8.2-r0']],
      ['ALPINE-CVE-2026-2', ['8.2-r0']],
    ]);
    expect(curl[1]?.upstream).toEqual(['CVE-2026-2', 'GHSA-aaaa-bbbb-cccc']);
    const xen = await find('Alpine:v3.21', 'xen');
    expect(xen.map(({ id, related }) => [id, related])).toEqual([
      ['ALPINE-CVE-2017-17044', ['XSA-246']],
      ['ALPINE-CVE-2017-17045', ['XSA-246']],
      ['ALPINE-CVE-2017-2616', undefined],
    ]);
    expect((await find('Alpine:v3.21', 'busybox'))[0]?.id).toBe('ALPINE-13661');
    expect(await find('Alpine:v3.20', 'curl')).toEqual([]);
  });

  it('joins main and community, and fetches a file again only where one of them changed', async () => {
    publish({ musl: { '1-r0': ['CVE-2026-1'] } });
    publish({ go: { '1-r0': ['CVE-2026-2'] } }, 'v3.21', 'community');
    await desk.updateOne('alpine');
    expect(await find('Alpine:v3.21', 'musl', 'go')).toHaveLength(2);
    publish({ go: { '1-r0': ['CVE-2026-2', 'CVE-2026-3'] } }, 'v3.21', 'community');
    expect((await desk.updateOne('alpine')).reading.count).toBe(3);
    expect(await find('Alpine:v3.21', 'musl', 'go')).toHaveLength(3);
  });

  it('asks for the branches that live by endoflife.date, those that are held, or those that are named', async () => {
    desk.publish(lifeCycles());
    publish({ musl: { '1-r0': ['CVE-2026-1'] } }, 'v3.20');
    publish({ musl: { '1-r0': ['CVE-2026-1'] } }, 'v3.24');
    await desk.update(['alpine', 'endoflife']);
    const branches = () => [
      ...new Set(desk.server.requests.splice(0).flatMap(({ path }) => /^alpine-secdb\/([^/]+)/.exec(path)?.[1] ?? [])),
    ];
    expect(branches().sort()).toEqual(['edge', 'v3.21', 'v3.24']);
    expect((await desk.reading('alpine')).ecosystems).toEqual(['Alpine:v3.24']);
    await desk.updateOne('alpine', { sources: { mirror: desk.server.url, alpineBranches: ['v3.20', 'v3.24'] } });
    expect(branches()).toEqual(['v3.20', 'v3.24']);
    await desk.updateOne('alpine');
    expect(branches().sort()).toEqual(['edge', 'v3.20', 'v3.21', 'v3.24']);
    desk.server.withdraw('alpine-secdb/v3.20/main.json');
    expect((await desk.updateOne('alpine')).reading).toMatchObject({
      state: 'faulty',
      reason: expect.stringMatching(/v3\.20/),
    });
  });

  it('is refused where a file is of another branch', async () => {
    desk.publish({ 'alpine-secdb/v3.21/main.json': secdb('v3.18', 'main', { musl: { '1-r0': ['CVE-2026-1'] } }) });
    expect((await desk.updateOne('alpine')).reading.reason).toMatch(/it is of v3\.18\/main/);
  });
});

describe('EPSS', () => {
  it.each([
    ['no date', gzipSync('cve,epss,percentile\nCVE-2026-1000,0.1,0.1\n'), /score_date/],
    ['other columns', gzipSync('#x,score_date:2026-08-20T\ncve,percentile,epss\n'), /columns/],
    ['a score above one', epssCsv(['CVE-2026-1000,1.1,0.1']), /line 3/],
    ['no number', epssCsv(['CVE-2026-1000,NaN,0.1']), /line 3/],
    ['a CVE beyond all numbers', epssCsv(['CVE-2026-9999999999,0.1,0.1']), /line 3/],
    ['a line without end', gzipSync(`#x,score_date:2026-08-20T\n${'y'.repeat(100_000)}`), /no end/],
    ['no rows', epssCsv([]), /empty/],
    ['no gzip', Buffer.from('<html>'), /gzip/],
    ['a cut', epssCsv(CVES.map((cve) => `${cve},0.1,0.1`)).subarray(0, 90), /gzip/],
  ])('is refused: %s', async (_name, content, reason) => {
    desk.publish({ 'epss_scores-current.csv.gz': content });
    expect((await desk.updateOne('epss')).reading).toMatchObject({
      state: 'missing',
      reason: expect.stringMatching(reason),
    });
  });

  it('is read where the server has unpacked it', async () => {
    desk.publish({ 'epss_scores-current.csv.gz': gunzipSync(epssCsv(['CVE-2026-1000,0.5,0.25'])) });
    await desk.updateOne('epss');
    expect((await desk.open().epss(new Set(['CVE-2026-1000']))).size).toBe(1);
  });

  it('finds the first, the last and each between, and no others', async () => {
    const rows = Array.from({ length: 999 }, (_, index) => ({
      cve: `CVE-${2000 + (index % 7)}-${1000 + index * 3}`,
      score: `0.${String(index).padStart(5, '0')}`,
    }));
    desk.publish({ 'epss_scores-current.csv.gz': epssCsv(rows.map(({ cve, score }) => `${cve},${score},0.5`)) });
    await desk.updateOne('epss');
    const found = await desk
      .open()
      .epss(new Set([...rows.map(({ cve }) => cve), 'CVE-1999-0001', 'CVE-2099-0001', 'CVE-2003-1001']));
    expect(found.size).toBe(999);
    for (const { cve, score } of rows) expect(found.get(cve)?.score).toBe(Number(score));
  });
});

describe('SSVC', () => {
  it('keeps the decision points of those CVEs that have some', async () => {
    const options = [{ Exploitation: 'poc' }, { Automatable: 'no' }, { 'Technical Impact': 'partial' }];
    desk.publish({
      'ssvc/vulnrichment.zip': zipOf({
        'r/2026/12xxx/CVE-2026-12345.json': vulnrichment('CVE-2026-12345', options),
        'r/2026/12xxx/CVE-2026-12346.json': vulnrichment('CVE-2026-12346', undefined),
      }),
    });
    expect((await desk.updateOne('ssvc')).reading.count).toBe(1);
    const found = await desk.open().ssvc(new Set(['CVE-2026-12345', 'CVE-2026-12346', 'CVE-2020-1111']));
    expect([...found.values()]).toEqual([
      {
        cve: 'CVE-2026-12345',
        exploitation: 'poc',
        automatable: 'no',
        technicalImpact: 'partial',
        timestamp: '2026-08-01T00:00:00Z',
      },
    ]);
  });
});

describe('life cycles', () => {
  it('are read from the API and from the pages it is made of', async () => {
    desk.publish(lifeCycles());
    await desk.updateOne('endoflife');
    const open = desk.open();
    expect(await open.lifeCycles('flux')).toEqual([
      { cycle: '2.9', released: '2026-06-30', support: '2027-01-01', endOfLife: false },
    ]);
    expect(await open.lifeCycles('debian')).toEqual([
      { cycle: '13', codename: 'Trixie', endOfLife: '2028-08-09', extendedSupport: '2030-06-30' },
    ]);
    expect(await open.lifeCycles('constructor')).toBeUndefined();
  });

  it.each([
    ['endoflife/go.json', '[]', /does not have its schema/],
    ['endoflife/go.json', JSON.stringify([{ cycle: '1', eol: 'soon' }]), /0\.eol/],
    ['endoflife/flux.md', '---\nreleases: &a [*a]\n---\n', /YAML|schema/],
    ['endoflife/flux.md', `---\na: &a [1,1]\nb: &b [*a,*a]\nreleases: [*b]\n---\n`, /YAML/],
  ])('are refused: %s as %s', async (path, text, reason) => {
    desk.publish({ ...lifeCycles(), [path]: text });
    expect((await desk.updateOne('endoflife')).reading).toMatchObject({
      state: 'missing',
      reason: expect.stringMatching(reason),
    });
  });
});
