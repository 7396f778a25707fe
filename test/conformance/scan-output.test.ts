// SPDX-License-Identifier: Apache-2.0
// What a scan prints, judged by others: SARIF by the schema of the standard, CSV and Markdown by their readers.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FEED_NAMES,
  type Feeds,
  sbomSubject,
  scan,
  type Scan,
  toCsv,
  toMarkdown,
  toSarif,
  verdictOf,
} from '#vulnerabilities';
import { pythonJudge } from '../judges.ts';
import { isSarif, sarifFaults } from './sarif-schema.ts';

const NOW = new Date('2026-08-21T00:00:00Z');
const EVIL = [
  '=cmd|"/c calc"!A1',
  '+1+1',
  '@SUM(1)',
  '-2',
  '\t=1',
  '<script>alert(1)</script>',
  '[x](javascript:alert(1))',
  '![x](http://evil.example/p.png)',
  '| a | b |',
  'see http://evil.example www.evil.example @octocat #1 &lt;b&gt;',
  '"quoted",\r\nnext',
];

const advisory = (index: number, summary: string, url: string) => ({
  id: `GO-2026-${String(index).padStart(4, '0')}`,
  aliases: [`CVE-2026-${1000 + index}`],
  modified: '2026-08-01T00:00:00Z',
  published: '2026-07-01T00:00:00Z',
  summary,
  severity: index % 2 === 0 ? [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }] : [],
  affected: [
    {
      package: { ecosystem: 'Go', name: 'example.com/m' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.1.0' }] }],
      ecosystem_specific: { imports: [{ path: 'example.com/m/p', symbols: ['F'] }] },
    },
  ],
  database_specific: { url, severity: 'HIGH' },
});

function feedsOf(advisories: readonly unknown[]): Feeds {
  const none = async () => new Map();
  return {
    status: async () =>
      FEED_NAMES.map((name) => ({
        name,
        state: 'fresh',
        maxAgeDays: 7,
        fetchedAt: NOW,
        count: 1,
        source: 'file:///x',
      })),
    advisories: async () => advisories,
    advisoriesById: async () => [],
    changedSince: async () => undefined,
    kev: none,
    epss: async (cves) =>
      new Map([...cves].map((cve) => [cve, { cve, score: 0.5, percentile: 0.9, date: '2026-08-01' }])),
    ssvc: none,
    lifeCycles: async () => undefined,
  };
}

/** Scans an SBOM with one module that all advisories touch, and one thing that can't be checked. */
function scanOf(summaries: readonly string[], target = 'sbom.json', url = 'https://pkg.go.dev/vuln/x'): Promise<Scan> {
  const components = [
    { type: 'library', name: 'example.com/m', version: 'v1.0.0', purl: 'pkg:golang/example.com/m@v1.0.0' },
    { type: 'library', name: 'left-pad', version: '1', purl: 'pkg:npm/left-pad@1' },
  ];
  const sbom = Buffer.from(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', components }));
  const advisories = summaries.map((summary, index) => advisory(index, summary, url));
  return scan([sbomSubject(sbom, target)], { feeds: feedsOf(advisories), now: NOW });
}

describe('a scan in SARIF', () => {
  const validate = async (...args: Parameters<typeof scanOf>) => {
    const log: unknown = JSON.parse(JSON.stringify(toSarif(await scanOf(...args), '1.0.0')));
    expect(sarifFaults(log)).toBe('');
    return JSON.stringify(log);
  };

  it('is valid by the schema of SARIF 2.1.0, with findings, with none, and with what strangers write', async () => {
    await validate([]);
    await validate(['a flaw', '']);
    await validate(EVIL, 'oci:out/oci:distroless/source-controller:v1 ?#%');
  });

  it('is found out by that schema when it is not', () => {
    expect(isSarif({ version: '2.1.0', runs: [{ results: [{}] }] })).toBe(false);
  });

  it.each(['javascript:alert(1)', 'no address', 'data:text/html,x', ''])('links to no %j', async (url) => {
    expect(await validate(['a flaw'], 'sbom.json', url)).not.toContain('helpUri');
  });

  it('is valid whatever the target is called', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (target) => {
        await validate(['a flaw'], target);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a scan in JSON', () => {
  const schema = () => readFile(join(import.meta.dirname, '../../schema/scan.schema.json'), 'utf8');
  it('is as its schema says, and has no member that the schema does not know', async () => {
    const ajv = new Ajv2020.default({ strict: false, allErrors: true });
    formats.default(ajv);
    const validate = ajv.compile(JSON.parse(await schema()));
    for (const summaries of [[], ['a flaw', ''], EVIL]) {
      const result = await scanOf(summaries);
      const printed: unknown = JSON.parse(JSON.stringify({ verdict: verdictOf(result), ...result }));
      expect(validate(printed), JSON.stringify(validate.errors)).toBe(true);
    }
    expect(validate({ verdict: 'clean' })).toBe(false);
  });
});

describe('a scan in CSV', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oakum-csv-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is read by Python's csv as rows of equal length, none of whose cells a spreadsheet runs", async () => {
    const text = toCsv(await scanOf(EVIL));
    const code = 'import csv, json, sys; print(json.dumps(list(csv.reader(sys.stdin, strict=True))))';
    const { stdout } = spawnSync('python3', ['-c', code], { input: text, encoding: 'utf8' });
    const rows: string[][] = JSON.parse(stdout);
    expect(rows).toHaveLength(EVIL.length + 2);
    expect(new Set(rows.map((row) => row.length)).size).toBe(1);
    expect(rows.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([]);
    const summaries = rows.flatMap((row) => row.at(rows[0]?.indexOf('summary') ?? 0)?.replace(/^'/, '') ?? []);
    expect(summaries).toEqual(expect.arrayContaining(EVIL.map((summary) => summary)));
  });
});

describe('a scan in Markdown', () => {
  /** GitHub's own renderer, with raw HTML let through: what is escaped must be so by us. */
  const RENDER = `import sys
from cmarkgfm import github_flavored_markdown_to_html as render
from cmarkgfm.cmark import Options
print(render(open(sys.argv[1], encoding='utf8').read(), Options.CMARK_OPT_UNSAFE))
`;
  let folder: string;
  let python: Awaited<ReturnType<typeof pythonJudge>>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'oakum-markdown-'));
    python = await pythonJudge('cmarkgfm', ['cmarkgfm==2025.10.22']);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is rendered, as GitHub does it, without a stranger's markup, links, mentions or references", async (context) => {
    if (python === undefined) {
      context.skip();
      return;
    }
    const markdown = toMarkdown(await scanOf(EVIL, '<b>[t](http://evil.example)|x', 'javascript:alert(1)'));
    await writeFile(join(folder, 'render.py'), RENDER);
    await writeFile(join(folder, 'scan.md'), markdown);
    const { stdout, stderr } = python(join(folder, 'render.py'), [join(folder, 'scan.md')]);
    expect(stderr).toBe('');
    expect(stdout).not.toMatch(/<(?:script|b|img|a)\b/);
    expect(stdout.match(/<tr>/g)).toHaveLength(EVIL.length + 1);
    expect(stdout).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(stdout).not.toMatch(/[@#]\w/);
  });
});
