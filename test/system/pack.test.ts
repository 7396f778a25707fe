// SPDX-License-Identifier: Apache-2.0
// The package that npm would publish, installed elsewhere as a user would.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin');

describe('the published package', () => {
  let folder: string;
  let oakum: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-pack-'));
    const env = { ...process.env, PATH: `${NODE}:${process.env['PATH']}` };
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT, env });
    const [tarball = ''] = await readdir(folder);
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', `./${tarball}`], { cwd: folder, env });
    oakum = join(folder, 'node_modules/.bin/oakum');
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (args: readonly string[], path = `${NODE}:${process.env['PATH']}`) =>
    spawnSync(oakum, args, {
      cwd: folder,
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: path,
        OAKUM_CACHE: join(folder, 'cache'),
        OAKUM_DATA: join(folder, 'data'),
        CI: 'true',
      },
    });

  it('runs compiled, with its own definition and lock', () => {
    expect(run(['--version'])).toMatchObject({ status: 0 });
    const plan = run(['plan', '2.9.2', '--locked', '--json', '--platform', 'linux/amd64']);
    expect(plan).toMatchObject({ status: 0 });
    expect(JSON.parse(plan.stdout).steps.filter((step: { kind: string }) => step.kind === 'compile')).toHaveLength(7);
  });

  it('fetches, with its worker threads', () => {
    expect(run(['fetch', '2.9.2', '--locked', '--component', 'source-watcher'])).toMatchObject({ status: 0 });
  }, 300_000);

  it('tells an old Node in one sentence that it is too old', () => {
    const version = execFileSync('node', ['--version'], {
      encoding: 'utf8',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    const old = Number(/^v(\d+)/.exec(version)?.[1]) < 24;
    const result = run(['--version'], '/usr/local/bin:/usr/bin:/bin');
    if (old)
      expect(result).toMatchObject({
        status: 6,
        stderr: expect.stringMatching(/^oakum: Node [\d.]+ is too old; [^\n]+\n$/),
      });
    else expect(result).toMatchObject({ status: 0 });
  });
});
