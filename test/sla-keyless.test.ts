// SPDX-License-Identifier: Apache-2.0
// A log whose seals are made keyless: by certificates of a Fulcio, witnessed by a Rekor, checked on the command line.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendEvents, type SlaEvent } from '#vulnerabilities';
import { IDENTITY, keylessSigner, keySigner, openStage, type Stage } from './verify-stage.ts';

const SUBJECT = { vulnerability: 'CVE-2026-0001', product: '2.9/distroless/source-controller' };
const EVENTS: readonly SlaEvent[] = [
  { kind: 'detected', at: '2026-08-05T09:00:00.000Z', ...SUBJECT, severity: 'critical' },
  { kind: 'published', at: '2026-08-06T09:00:00.000Z', ...SUBJECT, revision: '2.9.2-r1' },
];

describe('a log that is sealed with certificates', () => {
  let stage: Stage;
  let file: string;
  beforeAll(async () => {
    stage = await openStage();
    file = join(stage.folder, 'events.jsonl');
    const signer = keylessSigner(stage);
    for (const event of EVENTS)
      await appendEvents(file, () => [event], { name: 'oakum', signer, check: async () => true });
  });
  afterAll(() => stage.stop());

  function sla(...args: readonly string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
    const program = join(import.meta.dirname, '../src/cli/main.ts');
    return new Promise((resolve) => {
      const child = spawn(process.execPath, ['--conditions=oakum-source', program, 'sla', ...args], {
        cwd: stage.folder,
        env: { PATH: process.env['PATH'], HOME: stage.folder, OAKUM_DATA: join(stage.folder, 'data') },
      });
      const texts = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name].on('data', (chunk: Buffer) => (texts[name] += chunk.toString()));
      child.on('close', (exitCode) => resolve({ exitCode, ...texts }));
    });
  }
  const by = (identity: string, issuer = stage.service.issuer.url) => {
    const root = ['--log', file, '--trusted-root', stage.rootFile];
    return [...root, '--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
  };

  it('passes by the identity in them, and by an expression for it', async () => {
    expect(await sla('check', ...by(IDENTITY))).toMatchObject({ exitCode: 0, stderr: '' });
    const pattern = [
      '--certificate-identity-regexp',
      'https://github\\.com/.*',
      '--certificate-oidc-issuer',
      stage.service.issuer.url,
    ];
    expect(await sla('check', '--log', file, '--trusted-root', stage.rootFile, ...pattern)).toMatchObject({
      exitCode: 0,
    });
  });

  it('is reported on, with whose certificates sealed it', async () => {
    const { exitCode, stdout } = await sla('report', ...by(IDENTITY), '--to', '2026-08-31', '--format', 'json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      log: { signers: [expect.stringContaining(IDENTITY)] },
      metPercent: 100,
    });
  });

  it('does not pass by another identity, issuer or root', async () => {
    for (const args of [by(`${IDENTITY}x`), by(IDENTITY, 'https://other.example')]) {
      const { exitCode, stdout } = await sla('check', ...args);
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/2 faults|1 fault/);
    }
    const other = await openStage();
    try {
      const args = by(IDENTITY).with(3, other.rootFile);
      expect(await sla('check', ...args)).toMatchObject({ exitCode: 1 });
    } finally {
      await other.stop();
    }
    expect(await sla('report', ...by(`${IDENTITY}x`))).toMatchObject({ exitCode: 5, stdout: '' });
  });

  it('does not pass with an event changed, or chained anew by a key', async () => {
    const changed = join(stage.folder, 'changed.jsonl');
    writeFileSync(changed, readFileSync(file, 'utf8').replace('"severity":"critical"', '"severity":"low"'));
    expect(await sla('check', ...by(IDENTITY).with(1, changed))).toMatchObject({ exitCode: 1 });
    const forged = join(stage.folder, 'forged.jsonl');
    await appendEvents(forged, () => EVENTS, { name: 'oakum', signer: keySigner(stage), check: async () => true });
    expect(await sla('check', ...by(IDENTITY).with(1, forged))).toMatchObject({ exitCode: 1 });
  });

  it('needs to be told whose certificates', async () => {
    const missing = await sla('check', '--log', file, '--trusted-root', stage.rootFile);
    expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
    const half = await sla('check', '--log', file, '--certificate-oidc-issuer', stage.service.issuer.url);
    expect(half).toMatchObject({ exitCode: 2, stdout: '' });
  });
});
