// SPDX-License-Identifier: Apache-2.0
// A log whose seals are made keyless: by certificates of a Fulcio, witnessed by a Rekor, checked on the command line.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { GITHUB_CLAIMS } from '#testing';
import { appendEvents, type Finding, openFeeds, type SlaEvent } from '#vulnerabilities';
import { type RecordFlags, recordScan } from '../src/cli/record-scan.ts';
import { openWorld } from '../src/cli/world.ts';
import { runCli } from './outside.ts';
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

describe('a scan that seals the log by an identity', () => {
  const MANIFEST = digestOf('manifest');
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
    const image = {
      component: 'source-controller',
      name: 'registry.example.com/flux/distroless/source-controller',
      digest: digestOf('index'),
      tags: ['v1.9.3-r0'],
      platforms: { 'linux/amd64': { manifest: MANIFEST } },
    };
    mkdirSync(join(stage.folder, 'out'));
    const document = { distribution: 'oakum', revision: '2.9.2-r0', channels: { distroless: { images: [image] } } };
    writeFileSync(join(stage.folder, 'out/release.json'), JSON.stringify(document));
  });
  afterAll(() => stage.stop());

  const file = () => join(stage.folder, 'data/sla/oakum.jsonl');

  /** Notes a scan that found one flaw, by a job with this token, or without one. */
  async function record(id: string, flags: Partial<RecordFlags>, token?: string) {
    const env = {
      OAKUM_DATA: join(stage.folder, 'data'),
      ...(token === undefined ? {} : { SIGSTORE_ID_TOKEN: token }),
    };
    const world = { ...openWorld(env, new AbortController().signal), workingFolder: stage.folder };
    const found: Finding = {
      id,
      ids: [id],
      summary: '',
      package: { ecosystem: 'Go', name: 'golang.org/x/text', version: 'v0.38.0', scope: 'image' },
      occurrences: [{ name: 'golang.org/x/text', version: 'v0.38.0', purl: 'pkg:golang/golang.org/x/text@v0.38.0' }],
      severity: { rating: 'high' },
      severities: [],
      matches: [],
      dissent: [],
      fix: undefined,
      published: undefined,
      modified: undefined,
      kev: undefined,
      epss: undefined,
      reachability: { kind: 'not-analysed', reason: 'x' },
      references: [],
    } as unknown as Finding;
    const report = {
      target: 'x',
      kind: 'image',
      basis: 'x',
      packages: 1,
      platform: 'linux/amd64',
      digest: MANIFEST,
      findings: [found],
      setAside: [],
      gaps: [],
      reachability: 'not analysed',
    } as const;
    const feeds = openFeeds({ folder: world.stateFolder, clock: world.clock });
    const scanned = { scannedAt: world.clock.now(), feeds: [], reports: [report] };
    return recordScan(scanned, { flags: { record: true, folder: 'vex', ...flags }, feeds, world });
  }

  const by = (identity: string): Partial<RecordFlags> => ({
    certificateIdentity: identity,
    certificateOidcIssuer: stage.service.issuer.url,
    trustedRoot: stage.rootFile,
    fulcioUrl: stage.service.authority.url,
    rekorUrl: stage.service.log.url,
  });
  const token = () => stage.service.issuer.token(GITHUB_CLAIMS);

  it('needs a token, and says where one comes from', async () => {
    await expect(record('GO-2026-0001', by(IDENTITY))).rejects.toMatchObject({
      code: 'TOKEN_MISSING',
      hint: expect.stringContaining('id-token: write'),
    });
    expect(existsSync(file())).toBe(false);
  });

  it('does not seal by another identity than the one named: the log could never be added to again', async () => {
    await expect(record('GO-2026-0001', by(`${IDENTITY}x`), token())).rejects.toMatchObject({
      code: 'SLA_SEAL_REFUSED',
    });
    expect(existsSync(file())).toBe(false);
  });

  it('makes a log that the same flags check, and goes on with it', async () => {
    expect((await record('GO-2026-0001', by(IDENTITY), token())).events.length).toBeGreaterThan(0);
    expect((await record('GO-2026-0002', by(IDENTITY), token())).events.length).toBeGreaterThan(0);
    const args = ['--log', file(), '--trusted-root', stage.rootFile, '--certificate-identity', IDENTITY];
    const issuer = ['--certificate-oidc-issuer', stage.service.issuer.url];
    const checked = await runCli(['sla', 'check', ...args, ...issuer], {
      cwd: stage.folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: stage.folder, OAKUM_DATA: join(stage.folder, 'data') },
    });
    expect(checked).toMatchObject({ exitCode: 0, stderr: '' });
    await expect(record('GO-2026-0003', {}, token())).rejects.toMatchObject({ code: 'SLA_LOG_BROKEN' });
  });
});
