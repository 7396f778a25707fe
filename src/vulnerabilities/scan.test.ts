// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import {
  FEED_NAMES,
  type FeedReading,
  type Feeds,
  sbomSubject,
  scan,
  type Scan,
  toCsv,
  toMarkdown,
  toSarif,
  verdictOf,
} from '#vulnerabilities';

const NOW = new Date('2026-08-21T00:00:00Z');
const COVERED: Readonly<Record<string, readonly string[]>> = {
  go: ['Go'],
  osv: ['Go'],
  debian: ['Debian:13'],
  alpine: [],
};

/** Feeds in memory, each fresh unless said otherwise. */
function feedsOf(advisories: readonly unknown[], states: Partial<Record<string, FeedReading['state']>> = {}): Feeds {
  const status = FEED_NAMES.map((name): FeedReading => {
    const state = states[name] ?? 'fresh';
    const ecosystems = COVERED[name];
    return {
      name,
      state,
      maxAgeDays: 7,
      ...(state === 'fresh' ? {} : { reason: `it is ${state}` }),
      ...(ecosystems === undefined || state === 'missing' ? {} : { ecosystems }),
    };
  });
  return {
    status: async () => status,
    advisories: async (ecosystem) =>
      advisories.filter((one) => JSON.stringify(one).includes(`"ecosystem":"${ecosystem}"`) || ecosystem === 'Go'),
    advisoriesById: async () => [],
    changedSince: async () => undefined,
    kev: async (cves) =>
      new Map(
        [...cves].map((cve) => [
          cve,
          {
            cve,
            name: 'x',
            dateAdded: '2026-08-01',
            dueDate: '',
            requiredAction: '',
            knownRansomwareUse: '',
            notes: '',
          },
        ]),
      ),
    epss: async (cves) =>
      new Map([...cves].map((cve) => [cve, { cve, score: 0.5, percentile: 0.9, date: '2026-08-01' }])),
    ssvc: async () => new Map(),
    lifeCycles: async () => undefined,
  };
}

const subject = (...purls: readonly string[]) =>
  sbomSubject(
    Buffer.from(
      JSON.stringify({
        bomFormat: 'CycloneDX',
        specVersion: '1.6',
        components: purls.map((purl) => ({ type: 'library', name: /golang\/([^@]+)/.exec(purl)?.[1] ?? 'p', purl })),
      }),
    ),
    'sbom.json',
  );
const GO = 'pkg:golang/example.com/m@v1.0.0';
const FLAW = {
  id: 'GO-2026-0001',
  aliases: ['CVE-2026-1'],
  published: '2026-08-01T00:00:00Z',
  summary: '=cmd|"x", | `x` \u001B[31m\nred',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
  affected: [
    {
      package: { ecosystem: 'Go', name: 'example.com/m' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.1.0' }] }],
    },
  ],
};

const run = (feeds: Feeds, ...purls: readonly string[]): Promise<Scan> =>
  scan([subject(...purls)], { feeds, now: NOW });

describe('a scan', () => {
  test('is clean only where nothing is found and everything was checked', async () => {
    expect(verdictOf(await run(feedsOf([]), GO))).toBe('clean');
    expect(verdictOf(await run(feedsOf([FLAW]), GO))).toBe('findings');
    expect(verdictOf(await scan([], { feeds: feedsOf([]), now: NOW }))).toBe('unchecked');
  });

  test.each(['missing', 'stale', 'faulty'] as const)('with a feed that is %s never says clean', async (state) => {
    for (const name of ['go', 'osv']) {
      const result = await run(feedsOf([], { [name]: state }), GO);
      expect(verdictOf(result)).toBe('unchecked');
      expect(result.reports[0]?.gaps).toEqual([
        { what: 'Go packages', feed: name, reason: `feed ${name} is ${state}: it is ${state}` },
      ]);
    }
    expect(verdictOf(await run(feedsOf([], { debian: state }), GO))).toBe('clean');
    expect(verdictOf(await run(feedsOf([], { debian: state }), 'pkg:deb/debian/x@1?distro=debian-13'))).toBe(
      'unchecked',
    );
  });

  test('of a release that a feed does not hold says so', async () => {
    const { reports } = await run(feedsOf([]), 'pkg:deb/debian/x@1?distro=debian-11');
    expect(reports[0]?.gaps).toEqual([
      { what: 'Debian:11 packages', feed: 'debian', reason: 'feed debian does not hold Debian:11' },
    ]);
  });

  test('goes on past a broken advisory and names it', async () => {
    const { reports } = await run(feedsOf([{ id: 'GO-1', aliases: 5 }, FLAW]), GO);
    expect(reports[0]?.findings.map((one) => one.id)).toEqual(['GO-2026-0001']);
    expect(reports[0]?.gaps).toEqual([
      { what: 'an advisory of Go', reason: expect.stringContaining('this is no OSV advisory: aliases') },
    ]);
  });

  test('adds what is known of exploits', async () => {
    const { reports } = await run(feedsOf([FLAW]), GO);
    expect(reports[0]?.findings[0]).toMatchObject({
      id: 'GO-2026-0001',
      fix: '1.1.0',
      severity: { rating: 'critical', score: 9.8 },
      kev: { dateAdded: '2026-08-01' },
      epss: { score: 0.5 },
    });
  });

  test('of what built the target is a finding, and not a verdict on it', async () => {
    const compiler = 'pkg:golang/golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64';
    const flaw = { ...FLAW, affected: [{ ...FLAW.affected[0], package: { ecosystem: 'Go', name: 'toolchain' } }] };
    const old = {
      ...flaw,
      affected: [{ ...flaw.affected[0], ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }] }],
    };
    const result = await run(feedsOf([old]), compiler);
    expect(result.reports[0]?.findings[0]?.package).toMatchObject({ name: 'toolchain', scope: 'build' });
    expect(verdictOf(result)).toBe('clean');
  });
});

describe('what a scan prints', () => {
  test('in CSV cannot run in a spreadsheet and keeps its rows', async () => {
    const csv = toCsv(await run(feedsOf([FLAW], { osv: 'stale' }), GO));
    expect(csv.split('\r\n')).toHaveLength(4);
    expect(csv).toContain(`"'=cmd|""x"", | `);
    expect(csv).toContain('not checked');
  });

  test('in Markdown stays text', async () => {
    const markdown = toMarkdown(await run(feedsOf([FLAW], { osv: 'stale' }), GO));
    expect(markdown).toContain(
      '| GO-2026-0001 | critical 9.8 | example.com/m v1.0.0 | 1.1.0 | not analysed | =cmd\\|"x", \\| \\`x\\`',
    );
    expect(markdown).toContain('Not checked:');
  });

  test('in SARIF has a rule for each flaw and says what was not checked', async () => {
    const sarif = toSarif(await run(feedsOf([FLAW], { osv: 'stale' }), GO), '1.0.0') as {
      runs: { tool: { driver: { rules: object[] } }; results: object[]; invocations: object[] }[];
    };
    const [only] = sarif.runs;
    expect(only?.tool.driver.rules).toMatchObject([{ id: 'GO-2026-0001', properties: { 'security-severity': '9.8' } }]);
    expect(only?.results).toMatchObject([{ ruleId: 'GO-2026-0001', ruleIndex: 0, level: 'error' }]);
    expect(only?.invocations).toMatchObject([
      { executionSuccessful: false, toolExecutionNotifications: [{ level: 'warning' }] },
    ]);
  });
});
