// SPDX-License-Identifier: Apache-2.0
// Planning on a real component, judged by the real `go mod tidy` and the real compiler. The advisories are made, the modules are not.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LockedOverlay, parseLock } from '#definition';
import { parseGoMod } from '#formats';
import { below, goDatabase, goodMirror, writeMirror } from '../../src/vulnerabilities/feeds/__fixtures__/mirror.ts';
import { type CliResult, runCli } from '../outside.ts';

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
  const advisories = Object.entries(FIXES).map(([name, fixed], index) => ({
    schema_version: '1.3.1',
    id: `GO-2026-900${index}`,
    modified: '2026-08-01T00:00:00Z',
    published: '2026-07-01T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'Go', name },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed }] }],
      },
    ],
  }));
  const database = below('go-vulndb', goDatabase(advisories, new Date().toISOString()));
  await writeMirror(join(folder, 'mirror'), { ...goodMirror(), ...database });
  await oakum('feeds', 'update', '--mirror', 'mirror', '--feed', 'go,osv,debian,endoflife');
  planned = await oakum('patch', '2.9.2', '--component', 'source-watcher', '--platform', 'linux/amd64', '--lock-only');
}, 20 * 60_000);
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
  beforeAll(async () => {
    expect(await oakum('release', '2.9.2', ...only)).toMatchObject({ exitCode: 0 });
    expect((await oakum('scan', '2.9.2-r0', '--record')).exitCode).toBe(1);
    expect((await oakum('patch', '2.9.2', ...only, '--platform', 'linux/amd64')).stdout).toContain(
      'Published 2.9.2-r1',
    );
  }, 20 * 60_000);

  it('has a changelog that tells what it fixed and nothing but what was planned', async () => {
    const { stdout } = await oakum('changelog', '2.9.2-r1', ...only, '--json');
    const [image] = (JSON.parse(stdout) as { images: [Record<'fixed' | 'opened' | 'left', { id: string }[]>] }).images;
    expect(image.fixed.map(({ id }) => id).toSorted()).toEqual(['GO-2026-9000', 'GO-2026-9001', 'GO-2026-9002']);
    expect([image.opened, image.left]).toEqual([[], []]);
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
