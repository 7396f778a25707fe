// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkshop, probing, readProbes } from './__fixtures__/workshop.ts';
import { openOutput } from './outputs.ts';
import { REFUSED } from './syscalls.ts';

let shop: Awaited<ReturnType<typeof openWorkshop>>;
let victim: ChildProcess;
const servers: Server[] = [];
let port: number;
const marker = `oakum-marker-${process.pid}`;
const asRoot = process.getuid?.() === 0;
// Yama keeps users, though not root, from tracing processes that are not their children, sandbox or not.
const yama = '/proc/sys/kernel/yama/ptrace_scope';
const mayTrace = asRoot || !existsSync(yama) || readFileSync(yama, 'utf8').trim() === '0';

beforeAll(async () => {
  shop = await openWorkshop(process.env);
  victim = spawn(shop.hostile, ['sleep=600000', `victim-${marker}`], { env: { SECRET: marker }, stdio: 'ignore' });
  port = await listen({ port: 0, host: '127.0.0.1' });
  await listen({ path: `\0${marker}` });
  mkdirSync(join(shop.folder, 'home'), { mode: 0o700 });
  writeFileSync(join(shop.folder, 'home', 'signing.key'), 'secret', { mode: 0o600 });
});

afterAll(async () => {
  victim.kill('SIGKILL');
  for (const server of servers) server.close();
  await shop.close();
});

async function listen(options: { port: number; host: string } | { path: string }): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(options, resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What a step has no business with, yet any process of the machine can do: the same list is run with and without a sandbox. */
function reaches(): readonly string[] {
  return [
    `tcp=${port}`,
    `abstract=${marker}`,
    `read=${shop.folder}/home/signing.key`,
    'read=/etc/os-release',
    ...(asRoot
      ? ['read=/etc/shadow', 'open-for-writing=/proc/sys/kernel/domainname', 'mount=/out/mounted', 'device=/out/device']
      : []),
    `environ=${marker}`,
    `see=${marker}`,
    `signal=${victim.pid}`,
    ...(mayTrace ? [`ptrace=${victim.pid}`] : []),
    `write=${shop.folder}/outside`,
    'set-id=/out/set-id',
    'namespace',
  ];
}

describe('the sandbox, against a hostile step', () => {
  it('refuses all that reaches beyond the step', async () => {
    const out = shop.makeFolder();
    const outcome = await shop.engine.run(
      probing(
        shop.hostile,
        [
          ...reaches(),
          'vsock',
          'whiteout=/out/whiteout',
          'open-for-writing=/proc/sys/vm/swappiness',
          'open-for-writing=/proc/sysrq-trigger',
        ],
        {
          mounts: [{ kind: 'write', from: out, to: '/out' }],
        },
      ),
    );
    const probes = readProbes(outcome.stdout);
    expect(Object.entries(probes).filter(([, verdict]) => verdict !== 'refused')).toEqual([]);
    expect(Object.keys(probes)).toHaveLength(reaches().length + 4);
    expect(outcome.exitCode).toBe(0);
    expect(existsSync(join(shop.folder, 'outside'))).toBe(false);
    expect(outcome.sandbox).toMatch(/^bubblewrap \d+\.\d+\.\d+, seccomp, (cgroup v[12] \(memory, pids\)|rlimits)$/);
  });

  it('is what refuses: without it the same attempts succeed (so that this test can fail)', async () => {
    const out = shop.makeFolder();
    const outcome = await shop.bare.run(
      probing(shop.hostile, reaches(), { mounts: [{ kind: 'write', from: out, to: '/out' }] }),
    );
    const refused = Object.entries(readProbes(outcome.stdout)).filter(([, verdict]) => verdict !== 'reached');
    expect(refused).toEqual([]);
    expect(Object.keys(readProbes(outcome.stdout))).toHaveLength(reaches().length);
    expect(existsSync(join(shop.folder, 'outside'))).toBe(true);
    expect(outcome.sandbox).toBe('none (--unsandboxed)');
  });

  it.runIf(process.arch === 'x64')('answers every refused system call with "not permitted"', async () => {
    const calls = Object.values(REFUSED).map(([x64]) => `call=${x64}`);
    const outcome = await shop.engine.run(probing(shop.hostile, calls));
    const others = outcome.stdout
      .split('\n')
      .filter((line) => line !== '' && !line.endsWith('refused: operation not permitted'));
    expect(others).toEqual([]);
    expect(readProbes(outcome.stdout)).toMatchObject(Object.fromEntries(calls.map((call) => [call, 'refused'])));
  });

  it.runIf(process.arch === 'x64')('kills a step that speaks to the kernel in another tongue', async () => {
    const outcome = await shop.engine.run(probing(shop.hostile, ['foreign-call']));
    expect(outcome).toMatchObject({ exitCode: undefined, signal: 'SIGSYS' });
  });

  it('shows a step nothing but its mounts, one plain user and no right at all', async () => {
    const step = probing(shop.hostile, ['whoami', 'list=/', 'list=/etc', 'list=/dev', 'env', 'read=/data/note'], {
      mounts: [{ kind: 'data', to: '/data/note', content: 'hello' }],
    });
    const { stdout } = await shop.engine.run({ ...step, env: { ONE: 'two words' } });
    const listed = [...stdout.matchAll(/^list: (.*)$/gm)].map((match) => match[1]);
    const devices = [
      'console',
      'core',
      'fd',
      'full',
      'null',
      'ptmx',
      'pts',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
      'tty',
      'urandom',
      'zero',
    ];
    const expected = [
      '/bin',
      '/data',
      '/dev',
      '/etc',
      '/proc',
      '/tmp',
      '/etc/passwd',
      ...devices.map((name) => `/dev/${name}`),
    ];
    expect(listed.filter((path) => path !== '/dev/console')).toEqual(
      expected.filter((path) => path !== '/dev/console'),
    );
    expect(stdout).toContain('whoami: 1000 1000 build /tmp');
    expect([...stdout.matchAll(/^status: (.*)$/gm)].map((match) => match[1])).toEqual([
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}: 0000000000000000`),
      'NoNewPrivs: 1',
      'Seccomp: 2',
    ]);
    expect(new Set([...stdout.matchAll(/^env: (.*)$/gm)].map((match) => match[1]))).toEqual(
      new Set(['ONE=two words', 'PWD=/tmp']),
    );
    expect(stdout).toContain('read=/data/note reached');
  });

  it('hands a step no descriptor but its three streams', async () => {
    const { stdout } = await shop.engine.run(probing(shop.hostile, ['list=/proc/self/fd']));
    const descriptors = [...stdout.matchAll(/^list: \/proc\/self\/fd\/(\d+)$/gm)].map((match) => match[1]);
    // Beyond the streams Go has only what it opens itself: the folder being listed, and at most its event poll.
    expect(descriptors.slice(0, 3)).toEqual(['0', '1', '2']);
    expect(descriptors.length).toBeLessThanOrEqual(6);
    expect(descriptors).not.toContain('9');
  });

  it('serves many small files', async () => {
    const mounts = Array.from(
      { length: 12 },
      (_, index) => ({ kind: 'data', to: `/data/${index}`, content: `${index}` }) as const,
    );
    const { stdout } = await shop.engine.run(
      probing(
        shop.hostile,
        mounts.map((mount) => `read=${mount.to}`),
        { mounts },
      ),
    );
    expect(new Set(Object.values(readProbes(stdout)))).toEqual(new Set(['reached']));
  });

  it('gives a throwaway view that a step can poison without harm to the folder below', async () => {
    const shared = shop.makeFolder();
    mkdirSync(join(shared, '00'));
    writeFileSync(join(shared, '00', 'entry'), 'clean');
    const honest = { kind: 'write', from: shared, to: '/cache', shared: true } as const;
    await shop.engine.run(probing(shop.hostile, ['write=/cache/mine'], { mounts: [honest] }));
    const view = { kind: 'throwaway', from: shared, to: '/cache' } as const;
    const first = await shop.engine.run(probing(shop.hostile, ['poison=/cache'], { mounts: [view] }));
    expect(readProbes(first.stdout)).toEqual({ 'poison=/cache': 'reached' });
    expect(first.stdout).toContain('view: poison');
    const next = await shop.engine.run(probing(shop.hostile, ['read=/cache/new'], { mounts: [view] }));
    expect(readProbes(next.stdout)).toEqual({ 'read=/cache/new': 'refused' });
    expect(readFileSync(join(shared, '00', 'entry'), 'utf8')).toBe('clean');
    expect(readFileSync(join(shared, 'mine'), 'utf8')).toBe('hostile\n');
    expect(existsSync(join(shared, 'new'))).toBe(false);
    const through = await shop.engine.run(probing(shop.hostile, ['poison=/cache'], { mounts: [honest] }));
    expect(readProbes(through.stdout)).toEqual({ 'poison=/cache': 'reached' });
    expect(readFileSync(join(shared, '00', 'entry'), 'utf8')).toBe('poison');
  });

  it('keeps a read mount unwritable', async () => {
    const source = shop.makeFolder();
    writeFileSync(join(source, 'file'), 'clean');
    const outcome = await shop.engine.run(
      probing(
        shop.hostile,
        ['poison=/src', 'write=/src/new', 'write=/new', 'write=/dev/new', 'write=/etc/new', 'write=/bin/hostile'],
        {
          mounts: [{ kind: 'read', from: source, to: '/src' }],
        },
      ),
    );
    expect(Object.values(readProbes(outcome.stdout))).toEqual(Array.from({ length: 6 }, () => 'refused'));
  });

  it('leaves output that is ours, without pipes, and whose links lead the control process nowhere', async () => {
    const out = shop.makeFolder();
    const key = join(shop.folder, 'home', 'signing.key');
    const before = lstatSync(key);
    const outcome = await shop.engine.run(
      probing(shop.hostile, [`links=${key}`, 'set-id=/out/set-id'], {
        mounts: [{ kind: 'write', from: out, to: '/out' }],
      }),
    );
    expect(readProbes(outcome.stdout)).toMatchObject({ [`links=${key}`]: 'reached' });
    await expect(openOutput(out, 'binary')).rejects.toMatchObject({ code: 'OUTPUT_UNSAFE' });
    await expect(openOutput(out, 'folder/signing.key')).rejects.toMatchObject({ code: 'OUTPUT_UNSAFE' });
    await expect(openOutput(out, '../home/signing.key')).rejects.toMatchObject({ code: 'OUTPUT_UNSAFE' });
    await expect(openOutput(out, 'absent')).rejects.toMatchObject({ code: 'OUTPUT_MISSING' });
    expect(existsSync(join(out, 'pipe'))).toBe(false);
    const inside = await openOutput(out, 'closed/inside');
    expect(await inside.handle.readFile('utf8')).toBe('inside');
    expect(inside).toMatchObject({ size: 6, executable: true });
    await inside.handle.close();
    for (const name of ['.', 'honest', 'binary', 'set-id'])
      expect(lstatSync(join(out, name)).uid).toBe(process.getuid?.());
    expect(lstatSync(join(out, 'set-id')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(key)).toMatchObject({ mode: before.mode, uid: before.uid, ctimeMs: before.ctimeMs });
  });
});
