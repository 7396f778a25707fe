// SPDX-License-Identifier: Apache-2.0
// `oakum patch` from end to end in a small world: real Go, real sandbox, a made proxy, made advisories.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '#definition';
import { below, goDatabase, goodMirror, writeMirror } from '../src/vulnerabilities/feeds/__fixtures__/mirror.ts';
import { type Outside, startOutside } from './outside.ts';

const MODULE_TIME = '2026-07-13T10:27:39Z';

let outside: Outside;

beforeAll(async () => {
  outside = await startOutside();
  publishComponents();
  await writeMirror(join(outside.folder, 'mirror'), {
    ...goodMirror(),
    ...below(
      'go-vulndb',
      goDatabase(
        [advisory(1, 'good.test/good'), advisory(2, 'broken.test/broken'), advisory(3, 'good.test/unfixed', [])],
        new Date().toISOString(),
      ),
    ),
  });
  await mkdir(join(outside.folder, 'patches/alpha'), { recursive: true });
  await writeFile(
    join(outside.folder, 'patches/alpha/0001-say-it.patch'),
    '--- a/main.go\n+++ b/main.go\n@@ -2,4 +2,4 @@\n \n import "github.com/fluxcd/alpha/api"\n \n-func main() { println(api.Name) }\n+func main() { println(api.Name, "patched") }\n',
  );
  const updated = await outside.oakum(['feeds', 'update', '--mirror', 'mirror', '--feed', 'go,osv,debian,endoflife']);
  expect(updated.stderr + updated.stdout).toContain('go');
});
afterAll(() => outside.stop());

/** Flux 2.9.3: alpha as in 2.9.2, and a beta that depends on modules with flaws. */
function publishComponents(): void {
  const publish = (path: string, version: string, mod: string, files: Record<string, string>) =>
    outside.proxy.publish({
      path,
      version,
      time: MODULE_TIME,
      files: { 'go.mod': `module ${path}\n\ngo 1.21\n${mod}`, ...files },
    });
  const good = publish('good.test/good', 'v1.0.0', '', {
    'x.go': 'package good\n\nfunc Good() string { return "" }\n',
  });
  publish('extra.test/extra', 'v0.4.0', '', { 'sub/x.go': 'package sub\n\nconst Word = "extra"\n' });
  publish('good.test/good', 'v1.0.1', '\nrequire extra.test/extra v0.4.0\n', {
    'x.go': 'package good\n\nimport "extra.test/extra/sub"\n\nfunc Good() string { return sub.Word }\n',
  });
  const broken = publish('broken.test/broken', 'v1.0.0', '', { 'x.go': 'package broken\n\nfunc Call() {}\n' });
  publish('broken.test/broken', 'v1.0.1', '', { 'x.go': 'package broken\n\nfunc Renamed() {}\n' });
  const sums = [good, broken].map(
    ({ path, version, zipHash, modHash }) => `${path} ${version} ${zipHash}\n${path} ${version}/go.mod ${modHash}\n`,
  );
  publish(
    'github.com/fluxcd/beta',
    'v1.2.4',
    '\nrequire (\n\tbroken.test/broken v1.0.0\n\tgood.test/good v1.0.0\n)\n',
    {
      'go.sum': sums.join(''),
      'main.go':
        'package main\n\nimport (\n\t"broken.test/broken"\n\t"good.test/good"\n)\n\nfunc main() {\n\tbroken.Call()\n\tprintln("beta", good.Good())\n}\n',
    },
  );
  const base = (name: string, version: string) =>
    `resources:\n- https://github.com/fluxcd/${name}/releases/download/${version}/${name}.crds.yaml\n`;
  publish('github.com/fluxcd/flux2/v2', 'v2.9.3', '', {
    'manifests/bases/alpha/kustomization.yaml': base('alpha', 'v1.9.3'),
    'manifests/bases/beta/kustomization.yaml': base('beta', 'v1.2.4'),
  });
}

function advisory(number: number, name: string, fixed: readonly object[] = [{ fixed: '1.0.1' }]) {
  return {
    schema_version: '1.3.1',
    id: `GO-2026-000${number}`,
    modified: '2026-08-01T00:00:00Z',
    published: '2026-07-01T00:00:00Z',
    affected: [
      { package: { ecosystem: 'Go', name }, ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, ...fixed] }] },
    ],
  };
}

async function lock() {
  const file = join(outside.folder, 'oakum.lock');
  return parseLock(await readFile(file, 'utf8'), file);
}

describe('oakum patch', () => {
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
    const result = await outside.oakum(['patch', '2.9.3', '--lock-only']);
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
    const result = await outside.oakum(['patch', '2.9.3', '--lock-only']);
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
