// SPDX-License-Identifier: Apache-2.0
// `oakum watch --once` in a small world: a made proxy, made feeds, a receiver of CloudEvents. Nothing is built, so there is no release to scan: patch-command.test.ts has one.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Loopback, startLoopback } from '#testing';
import {
  below,
  goAdvisory,
  goDatabase,
  goodMirror,
  writeMirror,
} from '../src/vulnerabilities/feeds/__fixtures__/mirror.ts';
import { type CliResult, type Outside, startOutside } from './outside.ts';

let outside: Outside;
let receiver: Loopback;

beforeAll(async () => {
  receiver = await startLoopback(() => ({ status: 202 }));
  outside = await startOutside();
  outside.proxy.publish({ path: 'github.com/fluxcd/flux2/v2', version: 'v2.9.3', files: {} });
  await outside.define(
    (text) => `${text}watch:
  releases: ['2.9.2']
  notify:
    - kind: cloudevents
      url: { env: HOOK }
`,
  );
  const fresh = below('go-vulndb', goDatabase([goAdvisory(1)], new Date().toISOString()));
  await writeMirror(join(outside.folder, 'mirror'), { ...goodMirror(), ...fresh });
});
afterAll(async () => {
  await outside.stop();
  await receiver.stop();
});

function watch(hook = `${receiver.url}/T0K3N`): Promise<CliResult> {
  return outside.oakum(['watch', '--once', '--mirror', 'mirror', '--json'], { env: { HOOK: hook } });
}

const typesOf = (requests: Loopback['requests']) =>
  requests.map(({ body }) => (JSON.parse(body.toString()) as { type: string; subject: string }).type);

describe('oakum watch --once', () => {
  it('does what it can, tells it as CloudEvents, and says in the exit code that something is left undone', async () => {
    const result = await watch();
    expect(result.exitCode, result.stderr).toBe(4);
    const outcome = JSON.parse(result.stdout);
    expect(outcome.faults.map(({ step, code }: Record<string, string>) => [step, code])).toEqual([
      ['scan', 'RELEASE_UNREADABLE'],
    ]);
    const upstream = outcome.told.filter(({ kind }: { kind: string }) => kind === 'release.upstream');
    expect(upstream).toMatchObject([{ subject: '2.9.3' }]);
    expect(typesOf(receiver.requests)).toContain('dev.oakum.release.upstream.v1');
    expect(receiver.requests.length).toBe(outcome.told.length);
    expect(result.stdout + result.stderr).not.toContain('T0K3N');
  });

  it('tells nothing twice', async () => {
    const before = receiver.requests.length;
    const { stdout } = await watch();
    expect(JSON.parse(stdout)).toMatchObject({ told: [], undelivered: [] });
    expect(receiver.requests.length).toBe(before);
    const kept = await readdir(join(outside.folder, 'data/watch'));
    expect(kept).toEqual(['test.json']);
    expect(await readFile(join(outside.folder, 'data/watch/test.json'), 'utf8')).not.toContain('T0K3N');
  });

  it('refuses to run beside another, naming its process, and takes over from one that is gone', async () => {
    const lock = join(outside.folder, 'data/watch/test.lock');
    await mkdir(join(outside.folder, 'data/watch'), { recursive: true });
    await writeFile(lock, String(process.pid));
    const refused = await watch();
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toContain(`process ${process.pid}`);
    await writeFile(lock, '4194304'); // past the greatest process id
    expect((await watch()).exitCode).toBe(4);
  });

  it('does not begin without the address of a target', async () => {
    const result = await watch('');
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('HOOK is not set');
  });

  it('does not begin with what is no release', async () => {
    const result = await outside.oakum(['watch', '2.9.2-r1', '--once']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('"2.9.2-r1" is neither a line nor a release');
  });
});

describe('oakum watch', () => {
  it('waits for the next round until it is stopped, and leaves no lock', async () => {
    const result = await outside.oakum(['watch', '--mirror', 'mirror', '--quiet'], {
      env: { HOOK: receiver.url },
      onStart: (child) => child.stdout?.once('data', () => child.kill('SIGINT')),
    });
    expect(result.exitCode).toBe(130);
    expect(result.stdout.match(/^Round of /gm)).toHaveLength(1);
    expect(await readdir(join(outside.folder, 'data/watch'))).toEqual(['test.json']);
  });
});
