// SPDX-License-Identifier: Apache-2.0
// Reachability on a real controller, source-watcher of Flux 2.9.2: built, scanned, analysed, judged by upstream's govulncheck on the same
// sources with the same database, and shown by scan and VEX from then on.
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseOpenVex, readGoDatabasePart } from '#vulnerabilities';
import { upstreamLevels } from '../govulncheck.ts';
import { runCli } from '../outside.ts';

const HOME = resolve(import.meta.dirname, '../..');
const TEXT = 'golang.org/x/text';

/** Made advisories on real code: whether it is reached is for the tools to say; one of each kind is expected. */
const ADVISORIES = [
  made('GO-2026-9001', TEXT, { path: `${TEXT}/unicode/norm`, symbols: ['Form.String', 'Form.QuickSpan'] }),
  made('GO-2026-9002', TEXT, { path: `${TEXT}/unicode/norm`, symbols: ['NoSuchFunction'] }),
  made('GO-2026-9003', TEXT, { path: `${TEXT}/collate/build`, symbols: ['Builder.Add'] }),
  made('GO-2026-9004', 'stdlib', { path: 'net/http', symbols: ['Client.Do'] }),
  made('GO-2026-9005', 'stdlib', { path: 'net/http/cgi', symbols: ['Serve'] }),
  made('GO-2026-9006', 'github.com/fluxcd/pkg/runtime'),
];

function made(id: string, name: string, imported?: { readonly path: string; readonly symbols: readonly string[] }) {
  const ranges = [{ type: 'SEMVER', events: [{ introduced: '0' }] }];
  const affected = [
    { package: { ecosystem: 'Go', name }, ranges, ecosystem_specific: { imports: imported ? [imported] : [] } },
  ];
  const [published, modified] = ['2026-07-01T00:00:00Z', '2026-08-01T00:00:00Z'];
  return { schema_version: '1.3.1', id, modified, published, aliases: [id.replace('GO', 'CVE')], affected };
}

let folder: string;
const data = () => join(folder, 'data');
const cache = () => join(folder, 'cache');

function oakum(...args: readonly string[]) {
  const go = ['GOPROXY', 'GOSUMDB'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const base = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/',
    CI: 'true',
    ...Object.fromEntries(go),
  };
  return runCli(args, {
    cwd: folder,
    env: { ...base, OAKUM_CACHE: cache(), OAKUM_DATA: data(), OAKUM_FEEDS_MIRROR: join(folder, 'mirror') },
  });
}

interface Shown {
  readonly reports: readonly {
    readonly reachability: string;
    readonly analysis?: { readonly evidence: string };
    readonly findings: readonly {
      readonly id: string;
      readonly reachability: { readonly kind: string; readonly path?: readonly { file?: string; module: string }[] };
    }[];
  }[];
}

/** What a scan shows of the made advisories, by id. */
async function scanned(...flags: readonly string[]) {
  const { stdout, stderr } = await oakum('scan', '2.9.2', '--json', ...flags);
  const [report] = (JSON.parse(stdout) as Shown).reports;
  if (report === undefined) throw new Error(stderr);
  const kinds = Object.fromEntries(report.findings.map(({ id, reachability }) => [goId(id), reachability.kind]));
  return { report, kinds };
}

async function writeMirror(advisories: readonly ReturnType<typeof made>[], modified: string): Promise<void> {
  const files: Record<string, unknown> = {
    'index/db.json': { modified },
    'index/vulns.json': advisories.map((one) => ({ id: one.id, modified: one.modified })),
    ...Object.fromEntries(advisories.map((one) => [`ID/${one.id}.json`, one])),
  };
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, 'mirror/go-vulndb', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(content));
  }
  const { exitCode, stderr } = await oakum('feeds', 'update', '--feed', 'go');
  expect(stderr).not.toContain('failed');
  expect(exitCode).toBe(0);
}

describe('reachability of source-watcher 2.2.2', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-reach-system-'));
    for (const name of ['distribution.yaml', 'oakum.lock']) await copyFile(join(HOME, name), join(folder, name));
    await writeMirror(ADVISORIES, '2026-08-20T00:00:00Z');
    const built = await oakum(
      'release',
      '2.9.2',
      '--component',
      'source-watcher',
      '--platform',
      'linux/amd64',
      '--no-sign',
    );
    expect(built).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is not known before it was analysed', async () => {
    const { report } = await scanned();
    expect(report.reachability).toBe('not analysed');
    expect(report.findings).toHaveLength(ADVISORIES.length);
    expect(new Set(report.findings.map(({ reachability }) => reachability.kind))).toEqual(new Set(['not-analysed']));
    const { stderr } = await oakum('vex', 'export');
    expect(stderr).toContain('no decision');
  });

  it('is what upstream says of the same sources with the same database', async () => {
    const { report, kinds } = await scanned('--reachability', '--platform', 'linux/amd64');
    expect(report.reachability).toBe('analysed');
    expect(kinds).toEqual(await upstream());
    expect(kinds).toMatchObject({ 'GO-2026-9001': 'called', 'GO-2026-9002': 'imported', 'GO-2026-9003': 'required' });
  });

  it('is known from then on without a run, also when the cache is gone', async () => {
    await rename(cache(), `${cache()}-away`);
    const { report } = await scanned().finally(() => rename(`${cache()}-away`, cache()));
    expect(report.reachability).toBe('analysed');
    const [called] = report.findings.filter(({ reachability }) => reachability.kind === 'called');
    expect(called?.reachability.path?.[0]).toMatchObject({
      module: 'github.com/fluxcd/source-watcher/v2',
      file: 'cmd/main.go',
    });
    const text = await readFile(
      join(data(), 'reachability/evidence', `${report.analysis?.evidence.slice(7)}.json`),
      'utf8',
    );
    expect(text).not.toContain(folder);
  });

  it('makes VEX statements about that very image', async () => {
    const { stdout } = await oakum('vex', 'export');
    const statements = parseOpenVex(stdout, 'stdout').statements.map(({ vulnerability, status, justification }) => [
      vulnerability.name,
      status,
      justification,
    ]);
    expect(statements).toContainEqual(['CVE-2026-9001', 'affected', undefined]);
    expect(statements).toContainEqual(['CVE-2026-9003', 'not_affected', 'vulnerable_code_not_in_execute_path']);
  });

  it('outlives a change of the database elsewhere, and is asked for again where its own advisory changed', async () => {
    const [first, second, ...rest] = ADVISORIES as [Made, Made, ...Made[]];
    const changed = { ...second, modified: '2026-08-21T00:00:00Z', summary: 'It was worse than thought.' };
    const elsewhere = made('GO-2026-9007', 'example.com/elsewhere');
    await writeMirror([first, changed, ...rest, elsewhere], '2026-08-21T00:00:00Z');
    const { kinds } = await scanned();
    expect(kinds).toMatchObject({
      'GO-2026-9001': 'called',
      'GO-2026-9002': 'not-analysed',
      'GO-2026-9003': 'required',
    });
  });

  /** Upstream's own program, as a user runs it, on the sources that were compiled. */
  async function upstream(): Promise<Readonly<Record<string, string>>> {
    const only = async (path: string) => join(cache(), path, (await readdir(join(cache(), path)))[0] ?? '');
    const sources = await readdir(join(cache(), 'trees/compose-source'));
    const inside = await Promise.all(
      sources.map(async (name) => {
        const path = join(cache(), 'trees/compose-source', name);
        return (await readFile(join(path, 'go.mod'), 'utf8')).includes('source-watcher/v2\n') ? [path] : [];
      }),
    );
    const goroot = await only('trees/toolchain');
    const modules = new Set(['stdlib', TEXT, 'github.com/fluxcd/pkg/runtime']);
    await readGoDatabasePart(data(), modules)?.write(join(folder, 'served'));
    const run = spawnSync(installed(goroot), ['-format', 'json', '-db', `file://${join(folder, 'served')}`, './cmd'], {
      cwd: inside.flat()[0],
      env: {
        PATH: `${join(goroot, 'bin')}:${process.env['PATH']}`,
        HOME: folder,
        GOROOT: goroot,
        GOMODCACHE: join(cache(), 'areas/go-modules'),
        GOCACHE: join(folder, 'gocache'),
        GOFLAGS: '-mod=readonly',
        GOPROXY: 'off',
        GOTOOLCHAIN: 'local',
        CGO_ENABLED: '0',
      },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect(run.stderr).toBe('');
    return upstreamLevels(run.stdout);
  }

  /** As its own pages say to install it, by the toolchain whose sources it is to read. */
  function installed(goroot: string): string {
    const env = {
      ...process.env,
      GOROOT: goroot,
      GOTOOLCHAIN: 'local',
      GOBIN: join(folder, 'gobin'),
      CGO_ENABLED: '0',
    };
    const run = spawnSync(join(goroot, 'bin/go'), ['install', 'golang.org/x/vuln/cmd/govulncheck@v1.9.0'], { env });
    expect(run).toMatchObject({ status: 0 });
    return join(folder, 'gobin/govulncheck');
  }
});

type Made = ReturnType<typeof made>;

/** The finding goes by its CVE where it has one. */
function goId(id: string): string {
  return id.replace('CVE', 'GO');
}
