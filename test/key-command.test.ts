// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startKeyManagement } from '#testing';

const folder = mkdtempSync(join(tmpdir(), 'oakum-key-command-'));
afterAll(() => rmSync(folder, { recursive: true }));
const PASSWORD = 'a secret that nobody may see';

interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `oakum key ...` in a data folder of its own. */
function key(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
  const program = join(import.meta.dirname, '../src/cli/main.ts');
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--conditions=oakum-source', program, 'key', ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, OAKUM_DATA: join(folder, 'data'), ...env },
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => (texts[name] += chunk.toString()));
    }
    child.on('close', (exitCode) => resolve({ exitCode, ...texts }));
  });
}

describe('oakum key', () => {
  it("prints the public half of this machine's key once there is one", async () => {
    const none = await key(['public']);
    expect(none).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('there is no key yet') as string,
    });
    expect((await key(['generate'])).exitCode).toBe(0);
    const { stdout } = await key(['public']);
    expect(createPublicKey(stdout).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(statSync(join(folder, 'data/keys/oakum.key')).mode & 0o777).toBe(0o600);
    expect(await key(['generate'])).toMatchObject({ exitCode: 2, stdout: '' });
    expect((await key(['public'])).stdout).toBe(stdout);
  });

  it('makes an encrypted pair, and shows neither key nor password, whatever goes wrong', async () => {
    const env = { OAKUM_KEY_PASSWORD: PASSWORD };
    const results = [await key(['generate', '--output', 'pair', '--type', 'ed25519'], env)];
    const file = readFileSync(join(folder, 'pair.key'), 'utf8');
    expect(file).toContain('BEGIN ENCRYPTED SIGSTORE PRIVATE KEY');
    const found = await key(['public', '--key', 'pair.key'], { COSIGN_PASSWORD: PASSWORD });
    expect(found.stdout).toBe(readFileSync(join(folder, 'pair.pub'), 'utf8'));
    results.push(
      await key(['generate', '--output', 'pair'], env),
      await key(['generate'], env),
      await key(['public', '--key', 'pair.key']),
      await key(['public', '--key', 'pair.key'], { OAKUM_KEY_PASSWORD: `${PASSWORD}!` }),
      await key(['public', '--key', 'pair.pub'], env),
      await key(['public', '--key', 'nowhere'], env),
    );
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 2, 2, 2, 2, 3, 2]);
    const lines = file.split('\n').filter((line) => line.length > 20 && !line.startsWith('-'));
    for (const { stdout, stderr } of [found, ...results]) {
      for (const secret of [PASSWORD, ...lines]) expect(stdout + stderr).not.toContain(secret);
      expect(stderr).not.toMatch(/^\s+at .*\.ts:\d+/m);
    }
    expect(readFileSync(join(folder, 'pair.key'), 'utf8')).toBe(file);
  });

  it('asks a key management service, with credentials that no error shows', async () => {
    const kms = await startKeyManagement();
    const secret = 'aws-secret-that-nobody-may-see';
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIDTEST',
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_KMS: kms.url,
    };
    try {
      const { stdout } = await key(['public', '--key', 'awskms:///alias/oakum'], env);
      expect(createPublicKey(stdout).equals(kms.publicKey)).toBe(true);
      kms.answerNext({ status: 400, body: { message: `no: ${secret}` } });
      const refused = await key(['public', '--key', 'awskms:///alias/oakum'], env);
      expect(refused.stderr).toContain('answered 400: no: ***');
      expect(await key(['public', '--key', 'awskms:///alias/oakum'])).toMatchObject({ exitCode: 2 });
      expect(await key(['public', '--key', 'gcpkms://x'], env)).toMatchObject({ exitCode: 2 });
    } finally {
      await kms.stop();
    }
  });
});
