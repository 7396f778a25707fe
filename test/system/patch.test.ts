// SPDX-License-Identifier: Apache-2.0
// Planning and proving on a real component, judged by the real `go mod tidy`, compiler, osv-scanner and govulncheck. The advisories are
// made, the modules are not.
import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LockedOverlay, parseLock } from '#definition';
import { parseGoMod } from '#formats';
import { below, goDatabase, goodMirror, writeMirror } from '../../src/vulnerabilities/feeds/__fixtures__/mirror.ts';
import { upstreamLevels } from '../govulncheck.ts';
import { judge } from '../judges.ts';
import { type CliResult, runCli } from '../outside.ts';
import { type ScanStage, stageScan } from '../scan-stage.ts';

const run = promisify(execFile);
const HOME = resolve(import.meta.dirname, '../..');

let folder: string;
let planned: CliResult;

/** Fixes that source-watcher v2.2.2 needs: x/mod's needs newer versions of others. */
const FIXES = {
  'golang.org/x/mod': '0.40.0',
  'golang.org/x/text': '0.39.0',
  'github.com/klauspost/compress': '1.18.7',
};

const FIXED = ['GO-2026-9000', 'GO-2026-9001', 'GO-2026-9002'];

const LOGR = 'github.com/go-logr/logr';

/** What stays, since nothing fixes it: the program calls it. */
const LEFT = 'GO-2026-9003';

function oakum(...args: readonly string[]): Promise<CliResult> {
  const { PATH = '', HOME: home = '/', GOPROXY, GOSUMDB } = process.env;
  const settings = { ...(GOPROXY ? { GOPROXY } : {}), ...(GOSUMDB ? { GOSUMDB } : {}) };
  const env = { PATH, HOME: home, CI: 'true', ...settings };
  return runCli(args, {
    cwd: folder,
    env: { ...env, OAKUM_CACHE: join(folder, 'cache'), OAKUM_DATA: join(folder, 'data') },
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-patch-'));
  for (const name of ['distribution.yaml', 'oakum.lock']) await cp(join(HOME, name), join(folder, name));
  const advisory = (id: string, name: string, events: readonly object[], imports: readonly object[] = []) => ({
    schema_version: '1.3.1',
    id,
    modified: '2026-08-01T00:00:00Z',
    published: '2026-07-01T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'Go', name },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, ...events] }],
        ecosystem_specific: { imports },
      },
    ],
  });
  const advisories = [
    ...Object.entries(FIXES).map(([name, fixed], index) => advisory(FIXED[index] ?? '', name, [{ fixed }])),
    advisory(LEFT, LOGR, [], [{ path: LOGR, symbols: ['Logger.Info'] }]),
  ];
  const database = below('go-vulndb', goDatabase(advisories, new Date().toISOString()));
  await writeMirror(join(folder, 'mirror'), { ...goodMirror(), ...database });
  await oakum('feeds', 'update', '--mirror', 'mirror', '--feed', 'go,osv,debian,endoflife');
  planned = await oakum('patch', '2.9.2', '--component', 'source-watcher', '--platform', 'linux/amd64', '--lock-only');
});
afterAll(async () => {
  await run('chmod', ['-R', 'u+w', folder]);
  await rm(folder, { recursive: true, force: true });
});

async function overlay(): Promise<LockedOverlay> {
  const file = join(folder, 'oakum.lock');
  const found = parseLock(await readFile(file, 'utf8'), file).revisions?.['2.9.2-r1']?.components['source-watcher'];
  if (found === undefined) throw new Error(planned.stderr);
  return found;
}

describe('patching source-watcher', () => {
  it('compiles, and holds every floor', async () => {
    expect(planned.exitCode, planned.stderr).toBe(0);
    const { requires } = await overlay();
    for (const [path, version] of Object.entries(FIXES))
      expect(requires.find((one) => one.path === path)?.to).toBe(`v${version}`);
  });

  it('chooses the very versions that go mod tidy chooses for these floors', async () => {
    const trees = join(folder, 'cache/trees/compose-source');
    const [tree = ''] = await readdir(trees);
    const judged = join(folder, 'judged');
    await cp(join(trees, tree), judged, { recursive: true });
    await run('chmod', ['-R', 'u+w', judged]);
    const { requires } = await overlay();
    const before = parseGoMod(await readFile(join(judged, 'go.mod'), 'utf8')).require;
    const ours = new Map(before.map((one) => [one.path, one.version]));
    for (const { path, to } of requires) ours.set(path, to);
    const edits = Object.entries(FIXES).map(([path, version]) => `-require=${path}@v${version}`);
    const env = { ...process.env, GOFLAGS: '-modcacherw', GOMODCACHE: join(folder, 'modules') };
    await run('go', ['mod', 'edit', ...edits], { cwd: judged, env });
    await run('go', ['mod', 'tidy'], { cwd: judged, env });
    const theirs = parseGoMod(await readFile(join(judged, 'go.mod'), 'utf8')).require;
    expect(theirs.length).toBeGreaterThan(100);
    expect(theirs.filter((one) => ours.get(one.path) !== one.version)).toEqual([]);
  });
});

describe('the patched revision', () => {
  const only = ['--component', 'source-watcher'];
  let before: ScanStage;
  let after: ScanStage;
  let patched: CliResult;
  beforeAll(async () => {
    expect(await oakum('release', '2.9.2', ...only)).toMatchObject({ exitCode: 0 });
    expect((await oakum('scan', '2.9.2-r0', '--record')).exitCode).toBe(1);
    before = await stageScan(join(folder, 'before'), { release: join(folder, 'out'), data: join(folder, 'data') });
    patched = await oakum('patch', '2.9.2', ...only, '--platform', 'linux/amd64');
    after = await stageScan(join(folder, 'after'), { release: join(folder, 'out'), data: join(folder, 'data') });
  });

  it('is published, and what is left is told with whether it is called', () => {
    expect(patched.stdout, patched.stderr).toContain('Published 2.9.2-r1');
    expect(patched.stdout).toContain('3 vulnerabilities fixed, 0 opened, 1 left');
    expect(patched.stdout).toMatch(new RegExp(`Left:\n- ${LEFT} .*, called: `));
    expect(patched.stdout).toMatch(/Called by .*source-watcher.*logr.*Logger\.Info/);
  });

  it(
    'has lost its findings by the judgement of osv-scanner and of govulncheck',
    async () => {
      const scanner = await judge('osv-scanner');
      const byOsvScanner = ({ images, osvDatabase }: ScanStage) => {
        const args = ['scan', 'source', '-L', images[0]?.sbom ?? '', '--offline', '--offline-vulnerabilities'];
        const { stdout } = spawnSync(scanner, [...args, '--format', 'json'], {
          encoding: 'utf8',
          env: { ...process.env, OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY: osvDatabase },
        });
        return idsIn(stdout);
      };
      expect(byOsvScanner(before)).toEqual([...FIXED, LEFT]);
      expect(byOsvScanner(after)).toEqual([LEFT]);

      const checker = await judge('govulncheck');
      const byGovulncheck = ({ images, goDatabase: served }: ScanStage) => {
        const args = ['-mode', 'binary', '-format', 'json', '-db', `file://${served}`, images[0]?.program ?? ''];
        return Object.keys(upstreamLevels(spawnSync(checker, args, { encoding: 'utf8' }).stdout)).toSorted();
      };
      expect(byGovulncheck(before)).toEqual([...FIXED, LEFT]);
      expect(byGovulncheck(after)).toEqual([LEFT]);
    },
    30 * 60_000,
  );

  it('carries its tests and the analysis of its sources as signed evidence', async () => {
    const policy = join(folder, 'policy.yaml');
    const key = join(folder, 'data/keys/oakum.pub');
    await writeFile(
      policy,
      `version: 1\nidentities: [{ key: ${key} }]\nrequire: { attestations: [test-result, vuln] }\n`,
    );
    const image = 'oci:out/oci:distroless/source-watcher:v2.2.2-r1';
    const verified = await oakum('verify', image, '--policy', policy);
    expect(verified.exitCode, verified.stdout).toBe(0);
    const older = await oakum('verify', image.replace('-r1', '-r0'), '--policy', policy);
    expect(older.exitCode).toBe(1);
  });

  it('has a changelog that tells what it fixed and nothing but what was planned', async () => {
    const { stdout } = await oakum('changelog', '2.9.2-r1', ...only, '--json');
    const [image] = (JSON.parse(stdout) as { images: [Record<'fixed' | 'opened' | 'left', { id: string }[]>] }).images;
    expect(image.fixed.map(({ id }) => id).toSorted()).toEqual(FIXED);
    expect(image.opened).toEqual([]);
    expect(image.left).toMatchObject([{ id: LEFT, reachability: 'called' }]);
    const changed = changedModules(stdout);
    const planned = (await overlay()).requires.map(({ path, to }) => `${path} ${to}`);
    expect(changed.length).toBeGreaterThanOrEqual(3);
    expect(changed.filter((one) => !planned.includes(one))).toEqual([]);
  });

  it('stops the clocks that its predecessor started', async () => {
    await oakum('scan', '2.9.2-r1', '--published');
    const { stdout } = await oakum('sla', 'report', '--format', 'json');
    const { counts, metPercent } = JSON.parse(stdout) as { counts: Record<string, number>; metPercent: number };
    expect([counts['met'], metPercent]).toEqual([3, 100]);
  });

  it('is built again from its provenance alone, to the bit', async () => {
    const { stdout } = await oakum('reproduce', 'oci:out/oci:distroless/source-watcher:v2.2.2-r1', '--warm', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ identical: true, revision: '2.9.2-r1' });
  });
});

/** The advisories that a report of osv-scanner names. */
function idsIn(report: string): readonly string[] {
  interface Vulnerable {
    readonly vulnerabilities?: readonly { readonly id: string }[];
  }
  const { results } = JSON.parse(report) as { results: readonly { readonly packages: readonly Vulnerable[] }[] };
  const found = results.flatMap(({ packages }) => packages.flatMap((one) => one.vulnerabilities ?? []));
  return [...new Set(found.map(({ id }) => id))].toSorted();
}

/** The modules of another version, as `path version`. */
function changedModules(changelog: string): readonly string[] {
  interface Change {
    readonly what: string;
    readonly name: string;
    readonly after?: string;
  }
  const { images } = JSON.parse(changelog) as { images: { platforms: { changes: Change[] }[] }[] };
  const changes = images.flatMap(({ platforms }) => platforms.flatMap((one) => one.changes));
  return changes.flatMap(({ what, name, after }) => (what === 'module' ? [`${name} ${after}`] : []));
}
