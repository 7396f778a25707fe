// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundle, IN_A_CLONE } from '../scripts/bundle.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Asks a worker for the hash of a folder, as the program does; prints whether it has one. */
const ASK = `
  const { Worker } = require('node:worker_threads');
  const worker = new Worker(process.argv[1]);
  worker.once('message', ({ ok }) => { console.log(ok); worker.terminate(); });
  worker.once('error', ({ message }) => console.log(message));
  worker.postMessage({ kind: 'hash', folder: process.argv[2], name: 'example.com/a@v1.0.0', options: {} });
`;

describe('the bundle', () => {
  it('is what src is', async () => {
    await mkdir(join(ROOT, '.oakum'), { recursive: true });
    const folder = await mkdtemp(join(ROOT, '.oakum/test-'));
    try {
      await bundle(folder, IN_A_CLONE);
      const args = ['--disable-warning=ExperimentalWarning', '--conditions=oakum-source'];
      for (const command of [['--help'], ['plan', '2.9.2', '--definition', 'absent.yaml'], ['scan', 'package.json']]) {
        const [fromBundle, fromSource] = [join(folder, 'main.cjs'), join(ROOT, 'src/cli/main.ts')].map((main) => {
          const env = { PATH: process.env['PATH'], OAKUM_DATA: join(folder, 'data'), CI: 'true' };
          const { status, stdout, stderr } = spawnSync(process.execPath, [...args, main, ...command], {
            cwd: ROOT,
            env,
          });
          return { status, stdout: stdout.toString(), stderr: stderr.toString() };
        });
        expect(fromBundle).toEqual(fromSource);
      }
      const worker = spawnSync(process.execPath, ['-e', ASK, join(folder, 'unpack-worker.cjs'), join(ROOT, 'docs')]);
      expect(worker.stdout.toString() + worker.stderr.toString()).toBe('true\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** A clone with a program of one line, and the real launcher. */
describe('the launcher', () => {
  let clone: string;
  const write = (says: string) =>
    writeFile(join(clone, 'src/cli/main.ts'), `process.stdout.write(${JSON.stringify(says)} as string);\n`);
  const run = (env: Record<string, string> = {}) => {
    const launcher = join(clone, 'scripts/launch.cjs');
    const { stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', launcher], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    });
    return stdout === '' ? stderr : stdout;
  };
  const bundles = async () => (await readdir(join(clone, '.oakum'))).filter((name) => name.startsWith('run-'));
  /** Longer than a file counts as just written. */
  const settle = () => new Promise((done) => setTimeout(done, 100));

  beforeEach(async () => {
    clone = await mkdtemp(join(tmpdir(), 'oakum-launch-'));
    await mkdir(join(clone, 'src/cli'), { recursive: true });
    await mkdir(join(clone, 'src/sources'), { recursive: true });
    await writeFile(join(clone, 'src/sources/unpack-worker.ts'), 'export {};\n');
    await cp(join(ROOT, 'scripts'), join(clone, 'scripts'), { recursive: true });
    await cp(join(ROOT, 'package.json'), join(clone, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
    await write('one');
    await settle();
  });
  afterEach(() => rm(clone, { recursive: true }));

  it('bundles once, and again after each change', async () => {
    expect(run()).toBe('one');
    expect(run()).toBe('one');
    expect(await bundles()).toHaveLength(1);
    await write('two');
    expect(run()).toBe('two');
    await settle();
    expect(run()).toBe('two');
    expect(run()).toBe('two');
    expect((await bundles()).length).toBeGreaterThan(1);
  });

  it('sees an older file of the same size that takes the place of a newer one', async () => {
    await cp(join(clone, 'src/cli/main.ts'), join(clone, 'old.ts'), { preserveTimestamps: true });
    await write('new');
    await settle();
    expect(run()).toBe('new');
    await rename(join(clone, 'old.ts'), join(clone, 'src/cli/main.ts'));
    expect(run()).toBe('one');
  });

  it('makes a bundle anew that is gone or cut off', async () => {
    expect(run()).toBe('one');
    const [name = ''] = await bundles();
    await rm(join(clone, '.oakum', name), { recursive: true });
    expect(run()).toBe('one');
    await writeFile(join(clone, '.oakum/bundle.json'), '{"name":');
    expect(run()).toBe('one');
  });

  it('runs from source what it cannot bundle, and where traces are asked for', async () => {
    expect(run({ OAKUM_TRACE: '1' })).toBe('one');
    await writeFile(join(clone, 'src/cli/main.ts'), "import './absent.ts';\n");
    expect(run()).toContain('absent.ts');
    await expect(readdir(join(clone, '.oakum'))).resolves.not.toContain('bundle.json');
  });
});
