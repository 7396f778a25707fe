// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { debianJudge, judge } from './judges.ts';

/** A real registry, not ours, on a free port of 127.0.0.1 with a folder of its own. */
export interface RealRegistry {
  readonly host: string;
  stop(): Promise<void>;
}

/**
 * Starts Debian's docker-registry: distribution 2.8, without the referrers API. Takes the installed one, else unpacks the
 * package; undefined where there is no apt to get it.
 */
export async function startDistribution(): Promise<RealRegistry | undefined> {
  const isInstalled = spawnSync('docker-registry', ['--version']).status === 0;
  const program = isInstalled ? 'docker-registry' : await debianJudge('docker-registry', 'usr/bin/docker-registry');
  if (program === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'oakum-distribution-'));
  const config = join(folder, 'config.yml');
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: { level: info, accesslog: { disabled: true } }',
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(folder, 'data'))} }, delete: { enabled: true } }`,
      `http: { addr: "127.0.0.1:0", secret: ${randomBytes(16).toString('hex')} }`,
    ].join('\n'),
  );
  return run([program, 'serve', config], folder, /listening on 127\.0\.0\.1:(\d+)/);
}

/** Starts go-containerregistry's registry (distribution-spec 1.1 without referrers), its content on disk. */
export async function startGoRegistry(): Promise<RealRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'oakum-go-registry-'));
  const crane = await judge('crane');
  return run(
    [crane, 'registry', 'serve', '--address', '127.0.0.1:0', '--disk', folder],
    folder,
    /serving on port (\d+)/,
  );
}

/** Starts olareg, a small registry of distribution-spec 1.1 with the referrers API. It can't tell a port it chose itself. */
export async function startOlareg(): Promise<RealRegistry> {
  const olareg = await judge('olareg');
  for (let attempt = 1; ; attempt += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'oakum-olareg-'));
    const port = await freePort();
    const argv = [
      olareg,
      'serve',
      '--addr',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      folder,
      '-v',
      'info',
    ] as const;
    try {
      const registry = await run([...argv], folder, /launching server" addr=127\.0\.0\.1:(\d+)/);
      await answering(registry);
      return registry;
    } catch (error) {
      if (attempt === 3) throw error; // somebody else may have taken the port in between
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(registry: RealRegistry): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const response = await fetch(`http://${registry.host}/v2/`).catch(() => undefined);
    if (response?.ok) return;
    await delay(50);
  }
  await registry.stop();
  throw new Error(`the registry at ${registry.host} does not answer`);
}

/** Runs a registry until stopped; waits for the line that names its port. */
async function run(argv: readonly [string, ...string[]], folder: string, line: RegExp): Promise<RealRegistry> {
  const [program, ...args] = argv;
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  const stop = async () => {
    process.off('exit', kill);
    if (child.exitCode === null && child.kill('SIGTERM')) await new Promise((resolve) => child.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', kill);
  const port = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${text.slice(-500)}`)));
    child.stderr?.on('data', (chunk: Buffer) => {
      text = `${text}${chunk.toString()}`.slice(-10_000);
      const found = line.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { host: `127.0.0.1:${port}`, stop };
}

/** Gives a text that is the same in each run and does not compress, for layers. */
export function noise(seed: string, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let block = createHash('sha512').update(seed).digest(), size = 0; size < bytes; size += 64) {
    parts.push(block);
    block = createHash('sha512').update(block).digest();
  }
  return Buffer.concat(parts).subarray(0, bytes);
}
