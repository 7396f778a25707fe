// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../src/cli/main.ts');

describe('oakum fips report', () => {
  let folder: string;

  const oakum = (...args: readonly string[]) => {
    const node = ['--disable-warning=ExperimentalWarning', '--conditions=oakum-source', MAIN];
    const env = { PATH: process.env['PATH'], OAKUM_CACHE: join(folder, 'cache'), OAKUM_DATA: join(folder, 'data') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [...node, 'fips', 'report', ...args], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-fips-command-'));
    const source = join(folder, 'source');
    await mkdir(source);
    await writeFile(join(source, 'go.mod'), 'module example.com/hasher\n\ngo 1.24\n');
    const program = 'package main\n\nimport "crypto/sha256"\n\nfunc main() { println(len(sha256.New().Sum(nil))) }\n';
    await writeFile(join(source, 'main.go'), program);
    for (const setting of ['latest', 'v1.0.0']) {
      const env = { ...process.env, CGO_ENABLED: '0', GOFIPS140: setting };
      execFileSync('go', ['build', '-trimpath', '-o', join(folder, setting), '.'], { cwd: source, env });
    }
    await symlink('v1.0.0', join(folder, 'link'));
    await writeFile(join(folder, 'text'), 'FIPS 140-3 validated!\n');
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says that a program with the validated module is proved, and starts it in the sandbox where asked', () => {
    const { status, stdout } = oakum('./link', '--run');
    expect(stdout).toMatch(/^\.\/link: proved\n/);
    expect(stdout).toMatch(/certificate +CMVP 5247, FIPS 140-3 level 1, active, until 2031-04-26/);
    expect(stdout).toMatch(/self-test +passed: fips140: verified code\+data/);
    expect(status).toBe(0);
  });

  it('says why one is not, in text and JSON, with exit code 1', () => {
    const text = oakum('./latest');
    expect(text.stdout).toMatch(/^\.\/latest: not proved\n {2}! GOFIPS140 is latest/);
    expect(text.status).toBe(1);
    const json = oakum('./text', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      verdict: 'not proved',
      reasons: ['it is no program for Linux (ELF)'],
      program: { kind: 'other' },
    });
    expect(json.status).toBe(1);
  });

  it.each([
    [['./absent'], 2, /ENOENT.*\n.*\.\/absent\n.*oci:FOLDER:NAME/s],
    [['./source'], 2, /no regular file/],
    [['oci:somewhere'], 2, /oci:FOLDER:NAME/],
    [['not a reference'], 2, /not a reference/],
    [['oci:absent:fips/hasher'], 8, /absent/],
  ])('says of %j what is wrong with it', (args, status, message) => {
    const result = oakum(...args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^ {4}at /m);
    expect(result.status).toBe(status);
  });
});
