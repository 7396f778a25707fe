// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { readDefinition } from '#definition';
import { formatReleaseDocument } from '#release';
import { releaseDocument } from '#testing';
import { supportOf } from '../src/cli/lifecycle.ts';
import { openWorld } from '../src/cli/world.ts';
import { apiFile, CALENDARS, inDays, type LifecycleWorld, startLifecycleWorld } from './lifecycle-world.ts';
import { runCli } from './outside.ts';

describe('oakum compat', () => {
  let world: LifecycleWorld;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-compat-command-'));
    world = await startLifecycleWorld(folder);
  });
  afterAll(async () => {
    await world.stop();
    await rm(folder, { recursive: true });
  });

  it('says which feed it needs and how to get it, before there is any', async () => {
    expect(await world.oakum(['compat'])).toMatchObject({
      exitCode: 4,
      stdout: '',
      stderr: expect.stringMatching(
        /the feed endoflife is not here[^]*next: Run `oakum feeds update --feed endoflife`/,
      ),
    });
  });

  it('shows lines, minors, providers, evidence and what ends soon', async () => {
    const shipped = await readFile(resolve(import.meta.dirname, '../distribution.yaml'), 'utf8');
    await writeFile(join(folder, 'distribution.yaml'), shipped.replace(/^lifecycle:\n(?:[ #].*\n)*/m, ''));
    expect(await world.take(CALENDARS)).toMatchObject({ exitCode: 0 });
    const { exitCode, stdout } = await world.oakum(['compat']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('The feed endoflife has nothing of Google GKE');
    expect(stdout).toMatch(/^2\.7 +supported .* 2\.10 is out .* 1\.34 to 1\.39$/m);
    expect(stdout).not.toMatch(/^2\.6 /m);
    expect(stdout).toMatch(new RegExp(`^2\\.9 +1\\.33 +${inDays(80)} +not tested +not tested$`, 'm'));
    expect(stdout).toMatch(
      new RegExp(`^1\\.34 .* extended to ${inDays(30)} .* 4\\.21 extended to ${inDays(200)}$`, 'm'),
    );
    expect(stdout).toMatch(new RegExp(`^${inDays(30)} +in 30 days +Amazon EKS 1\\.34: extended support$`, 'm'));
  });

  it('answers for one provider and minor, with the same in JSON, and with its exit code', async () => {
    const asked = await world.oakum(['compat', '--provider', 'eks', '--kubernetes', '1.33', '--json']);
    expect(asked.exitCode).toBe(0);
    const { fits } = JSON.parse(asked.stdout) as { fits: { line: string; basis: string; until: string }[] };
    expect(fits.map(({ line, basis, until }) => [line, basis, until])).toEqual(
      ['2.9', '2.8', '2.7'].map((line) => [line, 'provider', inDays(80)]),
    );
    expect(await world.oakum(['compat', '--provider', 'aks', '--kubernetes', '1.33'])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('Nothing fits'),
    });
    expect(await world.oakum(['compat', '--provider', 'gke'])).toMatchObject({ exitCode: 4 });
    expect((await world.oakum(['compat', '--kubernetes', '4.21', '--json'])).stdout).toContain('"kubernetes": "1.34"');
  });

  it('says what is built here and no calendar has, and what of a line is tested', async () => {
    const made = releaseDocument('2.9.2-r1');
    const run = {
      kubernetes: '1.39',
      channel: 'distroless',
      verdict: 'passed' as const,
      digest: digestOf('log'),
      made: '2026-01-01T00:00:00Z',
    };
    const documents = [
      releaseDocument('2.44.0-r0'),
      {
        ...made,
        ...(made.publication === undefined ? {} : { publication: { ...made.publication, compatibility: [run] } }),
      },
    ];
    await mkdir(join(folder, 'documents'), { recursive: true });
    for (const one of documents)
      await writeFile(join(folder, `documents/${one.revision}.json`), formatReleaseDocument(one));
    const { stdout } = await world.oakum(['compat', '--documents', 'documents', '--kubernetes', '1.39']);
    expect(stdout).toContain('Note: 2.44.0-r0 is built here, and the calendar of Flux has no line 2.44.');
    expect(stdout).toMatch(/^2\.9 +1\.39 .* passed 2026-01-01 +not tested$/m);
    expect(stdout).toMatch(/^2\.8 +1\.39 .* not tested$/m);
  });

  it('lets release documents say what their line is supported for, but nothing of a line or calendar that is not known', async () => {
    const read = await readDefinition(join(folder, 'distribution.yaml'));
    const support = (release: string, data = 'data') =>
      supportOf(release, { read }, { ...openWorld({}, new AbortController().signal), stateFolder: join(folder, data) });
    expect(await support('2.9.2')).toEqual({ supported: ['1.34', '1.35', '1.36', '1.37', '1.38', '1.39'] });
    expect(await support('2.6.4')).toMatchObject({ until: inDays(-10) });
    expect(await support('3.0.0')).toBeUndefined();
    expect(await support('2.9.2', 'nothing')).toBeUndefined();
  });

  it('counts a feed as too old that knows of nothing new, however fresh its file is', async () => {
    const old = { ...CALENDARS, flux: apiFile([['2.9', -200, 900]]), kubernetes: apiFile([['1.36', -210, 200]]) };
    delete (old as Record<string, string>)['amazon-eks'];
    delete (old as Record<string, string>)['azure-kubernetes-service'];
    await world.take(old, 'old');
    expect(await world.oakum(['compat'], 'old')).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(
        /too old: it knows of nothing that came out after \S+, 200 days ago \(30 are allowed\)/,
      ),
    });
  });

  it('names the place of a fault in the definition and in a release document', async () => {
    await mkdir(join(folder, 'faulty'), { recursive: true });
    const text = await readFile(join(folder, 'distribution.yaml'), 'utf8');
    await writeFile(
      join(folder, 'faulty/distribution.yaml'),
      `${text}\nlifecycle:\n  lts: { '2.6': { until: never } }\n`,
    );
    const line = text.split('\n').length + 2;
    expect(await world.oakum(['compat', '--definition', 'faulty/distribution.yaml'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining(`distribution.yaml:${line}:`),
    });
    await writeFile(join(folder, 'document.json'), '{}\n');
    expect(await world.oakum(['compat', '--documents', 'document.json'])).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('document.json'),
    });
  });

  it.each([
    [['--kubernetes', '1.99'], /no calendar has a Kubernetes minor "1\.99"[^]*Known are .*1\.39/],
    [['--provider', 'ibm'], /Allowed choices are eks, aks, gke, openshift/],
    [['--documents', 'none.json'], /none\.json/],
  ])('refuses %j', async (args, text) => {
    expect(await world.oakum(['compat', ...args])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(text),
    });
  });
});

/** Real feeds in a folder, as `src/vulnerabilities/real-feeds.test.ts` has them. */
const SNAPSHOT = process.env['OAKUM_FEEDS_SNAPSHOT'] ?? '';

describe.skipIf(SNAPSHOT === '')('oakum compat, of the real calendars', () => {
  it('shows the six minors and every provider', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'oakum-compat-real-'));
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, OAKUM_DATA: join(folder, 'data') };
    const run = (args: readonly string[]) => runCli(args, { cwd: folder, env });
    expect(await run(['feeds', 'update', '--feed', 'endoflife', '--mirror', SNAPSHOT])).toMatchObject({ exitCode: 0 });
    const found = JSON.parse((await run(['compat', '--json'])).stdout) as {
      latestKubernetes: string[];
      missing: string[];
      lines: { line: string; state: string }[];
    };
    expect(found).toMatchObject({ latestKubernetes: ['1.37', '1.36', '1.35', '1.34', '1.33', '1.32'], missing: [] });
    expect(found.lines.filter(({ state }) => state === 'supported').map(({ line }) => line)).toEqual([
      '2.9',
      '2.8',
      '2.7',
    ]);
    await rm(folder, { recursive: true });
  });
});
