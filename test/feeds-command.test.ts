// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FeedServer, startFeedServer } from '#testing';

interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** CISA's catalog with this many entries, released today. */
function catalog(count: number): string {
  const vulnerabilities = Array.from({ length: count }, (_, index) => ({
    cveID: `CVE-2026-${1000 + index}`,
    vulnerabilityName: 'a name',
    dateAdded: '2026-08-01',
    dueDate: '2026-08-22',
    requiredAction: 'update',
  }));
  return JSON.stringify({ dateReleased: new Date().toISOString(), count, vulnerabilities });
}

describe('oakum feeds', () => {
  let server: FeedServer;
  let folder: string;
  beforeAll(async () => {
    server = await startFeedServer();
    folder = await mkdtemp(join(tmpdir(), 'oakum-feeds-command-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  function feeds(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
    const program = resolve(import.meta.dirname, '../src/cli/main.ts');
    return new Promise((done) => {
      const child = spawn(process.execPath, ['--conditions=oakum-source', program, 'feeds', ...args], {
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder, OAKUM_DATA: join(folder, 'data'), ...env },
      });
      const texts = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name].on('data', (chunk: Buffer) => (texts[name] += chunk.toString()));
      child.on('close', (exitCode) => done({ exitCode, ...texts }));
    });
  }

  it('shows what was never fetched, then updates it and shows it', async () => {
    expect((await feeds([])).stdout).toMatch(/^kev +missing .*\n(.*\n)*kev: never fetched: run `oakum feeds update`/m);
    server.publish('kev/known_exploited_vulnerabilities.json', catalog(10));
    const updated = await feeds(['update', '--mirror', server.url, '--feed', 'kev']);
    expect(updated).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^kev +fresh +just now .* 10 +sha256:/m),
    });
    const shown = JSON.parse((await feeds(['status', '--json'])).stdout) as {
      feeds: { name: string; state: string }[];
    };
    expect(shown.feeds.find(({ name }) => name === 'kev')).toMatchObject({
      state: 'fresh',
      count: 10,
      source: `${server.url}/kev/known_exploited_vulnerabilities.json`,
    });
  });

  it('takes the mirror from the environment and from the definition, relative to it', async () => {
    const env = { OAKUM_FEEDS_MIRROR: server.url };
    expect(JSON.parse((await feeds(['update', '--feed', 'kev', '--json'], env)).stdout)).toMatchObject({
      feeds: [{ name: 'kev', result: 'unchanged' }],
    });
    const shipped = await readFile(resolve(import.meta.dirname, '../distribution.yaml'), 'utf8');
    await writeFile(
      join(folder, 'distribution.yaml'),
      `${shipped}\nfeeds:\n  mirror: mirror\n  maxAgeDays: { kev: 3 }\n`,
    );
    const failed = await feeds(['update', '--feed', 'kev', '--json']);
    expect(failed.exitCode).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      feeds: [
        {
          name: 'kev',
          result: 'failed',
          state: 'faulty',
          maxAgeDays: 3,
          reason: expect.stringContaining(join(folder, 'mirror')),
        },
      ],
    });
  });

  it('ends with 1 and the reason where a feed is not believed, and takes it where it is accepted', async () => {
    server.publish('kev/known_exploited_vulnerabilities.json', catalog(2));
    const args = ['update', '--mirror', server.url, '--feed', 'kev'];
    expect(await feeds(args)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/kev: .*shrank from 10 entries to 2/),
    });
    expect((await feeds([...args, '--accept', 'kev'])).exitCode).toBe(0);
  });

  it.each([
    [['update', '--feed', 'nvd'], 2, /there is no feed "nvd"/],
    [['update', '--mirror', 'ftp://example.com'], 2, /must be an http, https or file URL/],
  ])('refuses %j', async (args, exitCode, text) => {
    expect(await feeds(args)).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(text) });
  });
});
