// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILDER, keySigner, openStage, signImage, type Stage, type StagedImage } from './verify-stage.ts';

const MAIN = resolve(import.meta.dirname, '../src/cli/main.ts');

describe('oakum verify', () => {
  let stage: Stage;
  let good: StagedImage;
  let bare: StagedImage;
  beforeAll(async () => {
    stage = await openStage();
    good = await stage.pushImage('cli/good');
    bare = await stage.pushImage('cli/bare');
    await signImage(good, keySigner(stage));
    writeFileSync(
      join(stage.folder, 'policy.yaml'),
      [
        'version: 1',
        'identities: [{ key: oakum.pub }]',
        `require: { slsa: { builders: [{ id: "${BUILDER}", level: 1 }] } }`,
      ].join('\n'),
    );
  });
  afterAll(() => stage.stop());

  function verify(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return new Promise((done, fail) => {
      const child = spawn(process.execPath, ['--conditions=oakum-source', MAIN, 'verify', ...args], {
        cwd: stage.folder,
        env: { PATH: process.env['PATH'], HOME: stage.folder, XDG_DATA_HOME: stage.folder, NO_COLOR: '1' },
      });
      const text = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].on('data', (chunk: Buffer) => (text[name] += chunk.toString()));
      }
      child.on('error', fail);
      child.on('close', (code) => done({ code, ...text }));
    });
  }

  it('prints each check with its reason, and ends with 0 where all is well', async () => {
    const { code, stdout } = await verify(good.reference, '--key', 'oakum.pub');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/: trusted\n {2}ok +index +image /) });
  });

  it('ends with 1 for an image that is not to be trusted, among others that are', async () => {
    const { code, stdout } = await verify(good.reference, bare.reference, '--key', 'oakum.pub');
    expect(code).toBe(1);
    expect(stdout).toMatch(/cli\/good:v1: trusted/);
    expect(stdout).toMatch(/cli\/bare:v1: NOT TRUSTED\n(.*\n)* {2}FAILED +index +signature +there is no signature/);
  });

  it('ends otherwise where it could not check', async () => {
    const { code, stdout } = await verify(`${good.store.where}:none`, '--key', 'oakum.pub');
    expect({ code, stdout }).toEqual({ code: 8, stdout: expect.stringMatching(/could not be checked/) });
  });

  it.each([
    ['nobody is to be believed', [], 2, /nothing says who is to be believed/],
    ['a key is not there', ['--key', 'none.pub'], 3, /none\.pub|can't be read/],
    [
      'a policy and a key exclude each other',
      ['--policy', 'policy.yaml', '--key', 'oakum.pub'],
      2,
      /cannot be used with/,
    ],
    ['an identity has no issuer', ['--certificate-identity', 'a', '--trusted-root', 'trusted-root.json'], 3, /issuer/],
  ])('says so where %s', async (_, args, expected, text) => {
    const { code, stderr } = await verify(good.reference, ...args);
    expect({ code, stderr }).toEqual({ code: expected, stderr: expect.stringMatching(text) });
  });

  it('gives the report as JSON', async () => {
    const { code, stdout } = await verify(good.reference, '--policy', 'policy.yaml', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      image: good.reference,
      digest: good.index.digest,
      verdict: 'trusted',
      level: 1,
      policy: { uri: 'policy.yaml' },
      checks: expect.arrayContaining([
        expect.objectContaining({ name: 'builder', outcome: 'passed', reason: BUILDER }),
      ]),
    });
  });

  it('writes signed summaries, one a line, for verdicts of both kinds', async () => {
    const { code, stderr } = await verify(
      good.reference,
      bare.reference,
      '--policy',
      'policy.yaml',
      '--vsa',
      'vsa.jsonl',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/made a key pair/);
    const predicates = readFileSync(join(stage.folder, 'vsa.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(Buffer.from(JSON.parse(line).payload, 'base64').toString()).predicate);
    expect(predicates).toMatchObject([
      { verificationResult: 'PASSED', verifiedLevels: ['SLSA_BUILD_LEVEL_1'] },
      { verificationResult: 'FAILED', verifiedLevels: ['FAILED'] },
    ]);
  });
});
