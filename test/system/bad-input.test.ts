// SPDX-License-Identifier: Apache-2.0
// What can be wrong with what others write, on the real command line: SBOMs, feeds, decisions, the event log.
import { createPublicKey } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeySigner, openLocalKey } from '#evidence';
import { buildZip } from '#testing';
import { appendEvents, sealedByKeys, type SlaEvent } from '#vulnerabilities';
import {
  below,
  goAdvisory,
  goDatabase,
  goodMirror,
  type MirrorFiles,
  writeMirror,
} from '../../src/vulnerabilities/feeds/__fixtures__/mirror.ts';
import { type CliResult, runCli } from '../outside.ts';

let folder: string;

function oakum(...args: readonly string[]): Promise<CliResult> {
  const { PATH = '' } = process.env;
  return runCli(args, { cwd: folder, env: { PATH, HOME: folder, OAKUM_DATA: join(folder, 'data') } });
}

async function write(name: string, content: string | Uint8Array): Promise<string> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
  return name;
}

/** An error says what, where and what to do, and is no stack trace. */
function expectError({ stderr }: CliResult, what: RegExp): void {
  expect(stderr).toMatch(what);
  expect(stderr).toMatch(/^ {2}(?:at: |\S+:\d+:\d+: )/m);
  expect(stderr).not.toMatch(/\n\s+at \S+ \(/);
}

const cyclonedx = (components: readonly object[]) =>
  JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', components });
const library = (name: string, purl: string) => ({ type: 'library', name, version: '1.0.0', purl });

/** One whose module m1 is fixed by 1.2.3, one of m8 with a range that cannot be, one with none at all. */
const ADVISORIES = [
  goAdvisory(1, { modified: new Date(Date.now() - 3_600_000).toISOString() }),
  {
    ...goAdvisory(8),
    affected: [
      {
        package: { ecosystem: 'Go', name: 'example.com/m8' },
        ranges: [{ type: 'SEMVER', events: [{ fixed: '1.0.0' }, { introduced: '2.0.0' }] }],
      },
    ],
  },
  { ...goAdvisory(9), affected: [{ package: { ecosystem: 'Go', name: 'example.com/m9' }, ranges: [] }] },
];

async function publish(files: MirrorFiles): Promise<CliResult> {
  await rm(join(folder, 'mirror'), { recursive: true, force: true });
  await writeMirror(join(folder, 'mirror'), { ...goodMirror(), ...files });
  return oakum('feeds', 'update', '--mirror', 'mirror', '--feed', 'go,osv');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-bad-input-'));
  await publish(below('go-vulndb', goDatabase(ADVISORIES, new Date().toISOString())));
});
afterAll(() => rm(folder, { recursive: true }));

describe('an SBOM', () => {
  it('of a million packages is refused before it costs memory, by its size, by what it holds, or by their number', async () => {
    for (const [count, name, exitCode, reason] of [
      [1_000_000, 'github.com/example/a-module-with-a-name-of-some-length/m', 2, /larger than 67108864 bytes/],
      [1_000_000, 'm', 5, /too large: it has more than 2500000 values/],
      [200_000, 'm', 5, /too large: it has more than 100000 packages/],
    ] as const) {
      const packages = Array.from({ length: count }, (_, index) => `{"type":"library","name":"${name}${index}"}`);
      const text = cyclonedx([]).replace('[]', `[${packages.join(',')}]`);
      const result = await oakum('scan', '--no-store', await write('million.json', text));
      expect(result.exitCode).toBe(exitCode);
      expectError(result, reason);
      expect(result.stderr).toMatch(/next: .*cut/i);
    }
  });

  it('without packages is not called clean', async () => {
    const { exitCode, stdout } = await oakum('scan', '--no-store', await write('none.json', cyclonedx([])));
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/the whole target: its SBOM names no package/);
  });

  it('with cyclic relationships is read as any other', async () => {
    const relation = (from: string, relationshipType: string, to: string) => ({
      spdxElementId: `SPDXRef-${from}`,
      relationshipType,
      relatedSpdxElement: `SPDXRef-${to}`,
    });
    const one = (id: string, version: string) => ({
      SPDXID: `SPDXRef-${id}`,
      name: 'example.com/m1',
      versionInfo: version,
      externalRefs: [{ referenceType: 'purl', referenceLocator: `pkg:golang/example.com/m1@${version}` }],
    });
    const document = {
      spdxVersion: 'SPDX-2.3',
      name: 'x',
      packages: [one('a', 'v1.0.0'), one('b', 'v2.0.0')],
      relationships: [
        relation('a', 'CONTAINS', 'b'),
        relation('b', 'CONTAINS', 'a'),
        relation('a', 'DEPENDS_ON', 'a'),
        relation('a', 'GENERATED_FROM', 'b'),
        relation('b', 'GENERATED_FROM', 'a'),
        relation('a', 'DESCRIBES', 'nowhere'),
      ],
    };
    const result = await oakum('scan', '--no-store', await write('cyclic.json', JSON.stringify(document)));
    expect(result).toMatchObject({ exitCode: 1, stderr: '' });
    expect(result.stdout).toMatch(/cyclic\.json: 2 packages/);
    expect(result.stdout).toMatch(/GO-2026-0001 .*example\.com\/m1 +v1\.0\.0 +1\.2\.3/);
  });

  it('with purls of hostile characters loses none of them, and steers no terminal', async () => {
    const hostile = [
      'pkg:golang/example.com/m1@%zz',
      'pkg:',
      'not a purl',
      'pkg:golang/\u001b[2J%00@v1.0.0',
      'pkg:golang/%2e%2e/%2e%2e/etc@v1',
    ];
    const components = hostile.map((purl, index) => library(`\u001b]0;x\u0007name${index}`, purl));
    const path = await write(
      'hostile.json',
      cyclonedx([...components, { type: 'library', name: 'bare', purl: 'pkg:x' }]),
    );
    const { exitCode, stdout } = await oakum('scan', '--no-store', path);
    expect(exitCode).toBe(4);
    expect(stdout).not.toMatch(/\p{Cc}(?<!\n)/u);
    expect(stdout).toMatch(/name0.* and 1 more: its package URL does not follow its specification/);
    const json = JSON.parse((await oakum('scan', '--no-store', '--json', path)).stdout) as {
      reports: { packages: number; gaps: { reason: string }[] }[];
    };
    expect(json.reports[0]?.packages).toBe(2);
  });

  it('of 50 MB of nesting is refused', async () => {
    for (const text of [`{"spdxVersion":${'['.repeat(50 << 20)}`, `{"a":${'{"a":'.repeat(700_000)}`]) {
      const result = await oakum('scan', '--no-store', await write('deep.json', text));
      expect(result.exitCode).toBe(5);
      expectError(result, /too large: it has more than|no SBOM/);
    }
  });
});

describe('a feed', () => {
  const state = async () => {
    const { feeds } = JSON.parse((await oakum('feeds', 'status', '--json')).stdout) as {
      feeds: { name: string; state: string; count: number; reason?: string }[];
    };
    return feeds.find(({ name }) => name === 'go');
  };

  it('with advisories whose ranges cannot be says of which packages nothing is known', async () => {
    const path = await write(
      'ranges.json',
      cyclonedx([1, 8, 9].map((n) => library(`example.com/m${n}`, `pkg:golang/example.com/m${n}@v1.5.0`))),
    );
    const { exitCode, stdout } = await oakum('scan', '--no-store', path);
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/example\.com\/m8 v1\.5\.0: GO-2026-0008: fixed "1\.0\.0" comes before what it should end/);
    expect(stdout).toMatch(/example\.com\/m9 v1\.5\.0: GO-2026-0009: it names no version of the package/);
    expect(stdout).not.toMatch(/example\.com\/m1 /);
  });

  it.each<readonly [string, () => MirrorFiles, RegExp]>([
    ['that is 50 MB of nesting', () => index('['.repeat(50 << 20)), /nested more than/],
    ['that is a zip bomb', () => bomb(), /larger|more than|too large/],
    ['in broken JSON', () => index('[{"id":'), /no JSON, or cut short/],
  ])('%s is refused, and the last good one stays in use', async (_, files, reason) => {
    const before = await state();
    const result = await publish(files());
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr + result.stdout).toMatch(reason);
    expect(result.stderr).not.toMatch(/\n\s+at \S+ \(/);
    expect(await state()).toMatchObject({
      state: 'faulty',
      count: before?.count,
      reason: expect.stringMatching(reason),
    });
    const path = await write('clean.json', cyclonedx([library('example.com/m1', 'pkg:golang/example.com/m1@v2.0.0')]));
    const scanned = await oakum('scan', '--no-store', path);
    expect(scanned.exitCode).toBe(4);
    expect(scanned.stdout).toMatch(/Go packages: feed go is faulty/);
  });

  /** A database that says it is newer, with this index. */
  function index(content: string): MirrorFiles {
    const modified = new Date(Date.now() + 1000).toISOString();
    return { 'go-vulndb/index/db.json': JSON.stringify({ modified }), 'go-vulndb/index/vulns.json': content };
  }

  /** So many changes that the zip is taken: 60 entries of 4 MB, each of a few bytes. */
  function bomb(): MirrorFiles {
    const content = Buffer.alloc(4 << 20);
    const zip = buildZip(Array.from({ length: 60 }, (_, number) => ({ content, name: `ID/${number}.json` })));
    const changed = Array.from({ length: 400 }, (_, number) => `GO-2026-${1000 + number}`);
    const listed = changed.map((id) => ({ id, modified: '2026-08-20T00:00:00Z' }));
    return { ...index(JSON.stringify(listed)), 'go-vulndb/vulndb.zip': zip };
  }
});

describe('a decision', () => {
  const decision = (more: Readonly<Record<string, unknown>>) => ({
    vulnerability: 'CVE-2026-0001',
    status: 'not_affected',
    justification: 'vulnerable_code_not_present',
    reason: 'The vulnerable file is not compiled in.',
    author: 'jane@example.com',
    decided: '2026-08-01T10:00:00Z',
    review: '2027-02-01',
    packages: ['pkg:golang/golang.org/x/net'],
    ...more,
  });
  const check = async (...decisions: readonly object[]) => {
    await write('vex/a.yaml', JSON.stringify({ version: 1, decisions }));
    const result = await oakum('vex', 'check');
    await rm(join(folder, 'vex'), { recursive: true });
    return result;
  };

  it('that contradicts another is refused, and both places are named', async () => {
    const result = await check(
      decision({}),
      decision({ status: 'affected', justification: undefined, action: 'Update to 2.9.2-r1.' }),
    );
    expect(result.exitCode).toBe(3);
    expectError(result, /contradicts .*vex\/a\.yaml:1:\d+/);
  });

  it('about a component, channel or platform that the definition has not is refused, with what it has', async () => {
    const result = await check(decision({ components: ['sauce-controller'], channels: ['debug'] }));
    expect(result.exitCode).toBe(3);
    expectError(result, /no "sauce-controller" \(known: .*source-controller/);
    expect(result.stderr).toContain('"debug"');
    expectError(await check(decision({ platforms: ['plan9/mips'] })), /platforms\.0: must be one of "linux\/amd64"/);
  });

  it('with a status that its own words contradict is refused', async () => {
    const result = await check(decision({ status: 'fixed' }));
    expect(result.exitCode).toBe(3);
    expectError(result, /status fixed has no justification/);
  });
});

describe('an event log', () => {
  it('with a gap is shown where it is, and neither reported on nor added to', async () => {
    const { privateKey } = await openLocalKey(join(folder, 'data'));
    const file = join(folder, 'data/sla/oakum.jsonl');
    const subject = { vulnerability: 'CVE-2026-0001', product: '2.9/distroless/source-controller' };
    const at = (day: number) => ({ at: `2026-08-0${day}T09:00:00.000Z`, ...subject });
    const events: SlaEvent[] = [
      { kind: 'detected', ...at(5), severity: 'low' },
      { kind: 'rescored', ...at(6), severity: 'high' },
      { kind: 'patched', ...at(7), revision: '2.9.2-r1' },
    ];
    const keys = { signer: createKeySigner(privateKey), check: sealedByKeys([createPublicKey(privateKey)]) };
    await appendEvents(file, () => events, { name: 'oakum', ...keys });
    const whole = await readFile(file, 'utf8');
    const gap = whole.split('\n').toSpliced(2, 1).join('\n');
    await writeFile(file, gap);
    const checked = await oakum('sla', 'check');
    expect(checked.exitCode).toBe(1);
    expect(checked.stdout).toMatch(/oakum\.jsonl:3: .*missing/);
    const report = await oakum('sla', 'report');
    expect(report).toMatchObject({ exitCode: 5, stdout: '' });
    expectError(report, /not as it was written/);
    expect(await readFile(file, 'utf8')).toBe(gap);
    await writeFile(file, whole);
    expect((await oakum('sla', 'check')).exitCode).toBe(0);
  });
});
