// SPDX-License-Identifier: Apache-2.0
// `oakum patch` from end to end in a small world: real Go, real sandbox, a made proxy, made advisories.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '#definition';
import { type Outside, startOutside } from './outside.ts';
import {
  advisory,
  publishComponent,
  publishFluxRelease,
  publishLibrary,
  publishModule,
  updateFeeds,
} from './patch-world.ts';

let outside: Outside;

beforeAll(async () => {
  outside = await startOutside();
  publishComponents();
  await mkdir(join(outside.folder, 'patches/alpha'), { recursive: true });
  await writeFile(
    join(outside.folder, 'patches/alpha/0001-say-it.patch'),
    '--- a/main.go\n+++ b/main.go\n@@ -2,4 +2,4 @@\n \n import "github.com/fluxcd/alpha/api"\n \n-func main() { println(api.Name) }\n+func main() { println(api.Name, "patched") }\n',
  );
  const advisories = [
    advisory(1, 'good.test/good'),
    advisory(2, 'broken.test/broken'),
    advisory(3, 'good.test/unfixed', []),
  ];
  expect(await updateFeeds(outside, advisories)).toContain('go');
});
afterAll(() => outside.stop());

/** Flux 2.9.3: alpha as in 2.9.2, and a beta that depends on modules with flaws. */
function publishComponents(): void {
  const good = publishLibrary(outside, 'good.test/good', 'v1.0.0', { body: 'func Good() string { return "" }' });
  publishModule(outside, 'extra.test/extra', 'v0.4.0', {
    files: { 'sub/x.go': 'package sub\n\nconst Word = "extra"\n' },
  });
  publishLibrary(outside, 'good.test/good', 'v1.0.1', {
    mod: '\nrequire extra.test/extra v0.4.0\n',
    body: 'import "extra.test/extra/sub"\n\nfunc Good() string { return sub.Word }',
  });
  const broken = publishLibrary(outside, 'broken.test/broken', 'v1.0.0', { body: 'func Call() {}' });
  publishLibrary(outside, 'broken.test/broken', 'v1.0.1', { body: 'func Renamed() {}' });
  publishComponent(
    outside,
    { name: 'beta', version: 'v1.2.4' },
    { requires: [broken, good], main: '\tbroken.Call()\n\tprintln("beta", good.Good())\n' },
  );
  publishFluxRelease(outside, 'v2.9.3', { alpha: 'v1.9.3', beta: 'v1.2.4' });
}

async function lock() {
  const file = join(outside.folder, 'oakum.lock');
  return parseLock(await readFile(file, 'utf8'), file);
}

describe('oakum patch', { timeout: 300_000 }, () => {
  it('shows what fixes the findings, with the module that a fix newly imports, and writes nothing', async () => {
    const result = await outside.oakum(['patch', '2.9.3', '--plan', '--json']);
    expect(result.exitCode, result.stderr).toBe(0);
    const plan = JSON.parse(result.stdout);
    const beta = plan.components.find((one: { component: string }) => one.component === 'beta');
    expect(beta.changes.map(({ path, from, to }: Record<string, string>) => [path, from, to])).toEqual([
      ['broken.test/broken', 'v1.0.0', 'v1.0.1'],
      ['extra.test/extra', undefined, 'v0.4.0'],
      ['good.test/good', 'v1.0.0', 'v1.0.1'],
    ]);
    expect(beta.changes[1].cause).toEqual({ kind: 'imported', package: 'extra.test/extra/sub' });
    await expect(lock()).rejects.toThrow();
  });

  it('leaves out the fix that does not compile, says what the compiler said, and locks the rest', async () => {
    const result = await outside.oakum(['patch', '2.9.3', '--lock-only', '--no-reachability']);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).toMatch(
      /stays: GO-2026-0002 in broken\.test\/broken v1\.0\.0, its fix does not build: .*main\.go:9:9: undefined: broken\.Call/,
    );
    const revision = (await lock()).revisions?.['2.9.3-r1'];
    expect(revision).toMatchObject({ release: '2.9.3', predecessor: '2.9.3-r0' });
    expect(revision?.components['beta']?.requires.map((one) => one.path)).toEqual([
      'extra.test/extra',
      'good.test/good',
    ]);
    expect(revision?.components['alpha']?.patches).toEqual([
      expect.objectContaining({ file: 'patches/alpha/0001-say-it.patch' }),
    ]);
    expect(revision?.components['beta']?.treeHash).toMatch(/^h1:/);
    expect(revision?.staying.map((one) => one.id)).toEqual(['GO-2026-0002']);
  });

  it('has nothing more to do then', async () => {
    const before = await lock();
    const result = await outside.oakum(['patch', '2.9.3', '--lock-only', '--no-reachability']);
    expect(result.stdout).toContain('2.9.3-r1 holds all of this already');
    expect(await lock()).toEqual(before);
  });

  it('is built by release from the lock alone, and the finding is gone from the image', async () => {
    const result = await outside.oakum(['release', '2.9.3', '--revision', '1', '--locked', '--no-sign']);
    expect(result.exitCode, result.stderr).toBe(0);
    const scan = await outside.oakum(['scan', '2.9.3-r1', '--json']);
    const { reports } = JSON.parse(scan.stdout);
    const found = reports.flatMap((report: { findings: { id: string }[] }) => report.findings.map((one) => one.id));
    expect(found).toEqual(['GO-2026-0002']);
  });

  it('is watched: its finding is told, noted in the SLA log, and not told again', async () => {
    const round = async () => {
      const result = await outside.oakum(['watch', '--once', '--mirror', 'mirror', '--json']);
      return { ...JSON.parse(result.stdout), exitCode: result.exitCode, stderr: result.stderr };
    };
    const first = await round();
    const found = first.told.filter(({ kind }: { kind: string }) => kind === 'finding.new');
    expect(found.map(({ data }: { data: unknown }) => data)).toMatchObject([
      { id: 'GO-2026-0002', package: 'broken.test/broken', fix: '1.0.1', revision: '2.9.3-r1', components: ['beta'] },
    ]);
    expect(first).toMatchObject({ faults: [], decisions: [], published: [], exitCode: 0 });
    expect(await readFile(join(outside.folder, 'data/sla/test.jsonl'), 'utf8')).toContain('GO-2026-0002');
    expect((await round()).told).toEqual([]);
  });

  it('does not build a revision whose patch file was changed since', async () => {
    const file = join(outside.folder, 'patches/alpha/0001-say-it.patch');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"patched"', '"something else"'));
    const env = { OAKUM_CACHE: join(outside.folder, 'other-cache') };
    const args = ['release', '2.9.3', '--revision', '1', '--locked', '--no-sign', '--component', 'alpha'];
    const result = await outside.oakum(args, { env });
    await writeFile(file, text);
    expect(result.exitCode).toBe(5);
    expect(result.stderr).toContain('a patch file is not the one that the lock names');
  });
});
