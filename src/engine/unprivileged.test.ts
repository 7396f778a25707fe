// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTROL } from './__fixtures__/control.ts';
import { openWorkshop, probing, readProbes } from './__fixtures__/workshop.ts';
import type { SandboxReading } from './inspect.ts';
import type { Mount, StepOutcome } from './step.ts';

// Most people are not root: the same steps, started by an ordinary user, whom root plays by taking on an id.
const REPOSITORY = resolve(import.meta.dirname, '../..');
const asRoot = process.getuid?.() === 0;
const user = asRoot ? 64_321 : (process.getuid?.() ?? 0);
let shop: Awaited<ReturnType<typeof openWorkshop>>;
let answer: { reading: SandboxReading; outcomes: readonly StepOutcome[] };
let server: Server;

beforeAll(async () => {
  shop = await openWorkshop(process.env);
  chmodSync(shop.folder, 0o711);
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const port = (server.address() as { port: number }).port;
  const mine = (name: string) => {
    mkdirSync(join(shop.folder, name));
    if (asRoot) chownSync(join(shop.folder, name), user, user);
    return join(shop.folder, name);
  };
  const out: Mount = { kind: 'write', from: mine('out'), to: '/out' };
  const cache = mine('build-cache');
  writeFileSync(join(cache, 'entry'), 'clean');
  if (asRoot) chownSync(join(cache, 'entry'), user, user);
  writeFileSync(join(mine('home'), 'key'), 'secret', { mode: 0o600 });
  const view: Mount = { kind: 'throwaway', from: cache, to: '/cache' };
  const setup = join(shop.folder, 'setup.json');
  const steps = [
    probing(
      shop.hostile,
      [
        `tcp=${port}`,
        `read=${shop.folder}/home/key`,
        `signal=${process.pid}`,
        `write=${cache}/outside`,
        'set-id=/out/set-id',
        'namespace',
        'mount=/out/mounted',
        'open-for-writing=/proc/sys/kernel/domainname',
      ],
      { mounts: [out] },
    ),
    probing(shop.hostile, ['poison=/cache'], { mounts: [view] }),
    probing(shop.hostile, ['stay=/out/alive'], { mounts: [out] }),
    probing(shop.hostile, ['bomb'], { limits: { processes: 40 } }),
    probing(shop.hostile, ['memory'], { limits: { memoryBytes: 96 << 20 } }),
    probing(shop.hostile, ['shared-memory'], { limits: { memoryBytes: 96 << 20 } }),
    probing(shop.hostile, ['fill=/out'], { mounts: [out] }),
  ];
  writeFileSync(setup, JSON.stringify({ cache: join(mine('own'), 'cache'), steps }));
  answer = JSON.parse(await startControl(setup)) as typeof answer;
});

afterAll(async () => {
  server.close();
  await shop.close();
});

/** Starts control.ts as the user. The repository may lie where only root gets: it is bound to a place that anyone reaches. */
async function startControl(setup: string): Promise<string> {
  const inRepository = (path: string) => (asRoot ? `/mnt/${path.slice(REPOSITORY.length + 1)}` : path);
  const node = process.execPath.startsWith(`${REPOSITORY}/`) ? inRepository(process.execPath) : process.execPath;
  const control = [node, ...CONTROL, inRepository(join(import.meta.dirname, '__fixtures__/control.ts')), setup];
  const drop = [
    'setpriv',
    `--reuid=${user}`,
    `--regid=${user}`,
    '--clear-groups',
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--',
  ];
  const bind = 'mount --rbind "$1" /mnt; shift; exec "$@"';
  const argv = asRoot ? ['unshare', '--mount', '--', 'sh', '-c', bind, 'sh', REPOSITORY, ...drop, ...control] : control;
  const { stdout } = await promisify(execFile)(argv[0] as string, argv.slice(1), {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return stdout;
}

describe('the sandbox of an ordinary user', () => {
  it('is usable, and says what is weaker', () => {
    expect(answer.reading.verdict.kind).toBe('usable');
    const limits = answer.reading.facts.find((fact) => fact.name === 'limits');
    if (limits?.state !== 'ok')
      expect(limits).toMatchObject({ state: 'weaker', hint: expect.stringContaining('systemd-run') });
    expect(answer.reading.facts.find((fact) => fact.name === 'account')?.sentence).toContain(`your own id ${user}`);
    expect(answer.outcomes[0]?.sandbox).toMatch(/^bubblewrap \S+, seccomp, (rlimits|cgroup)/);
  });

  it('refuses all that reaches beyond the step', () => {
    const probes = readProbes(answer.outcomes[0]?.stdout ?? '');
    expect(Object.entries(probes).filter(([, verdict]) => verdict !== 'refused')).toEqual([]);
    expect(Object.keys(probes)).toHaveLength(8);
    expect(existsSync(join(shop.folder, 'build-cache/outside'))).toBe(false);
  });

  it('gives a throwaway view without harm to the folder below', () => {
    expect(answer.outcomes[1]?.stdout).toContain('poison=/cache reached');
    expect(readFileSync(join(shop.folder, 'build-cache/entry'), 'utf8')).toBe('clean');
  });

  it("leaves output that is the user's, and nothing running", () => {
    expect(answer.outcomes[2]?.stdout).toContain('reached');
    expect(lstatSync(join(shop.folder, 'out/alive'))).toMatchObject({ uid: user, mode: 0o100644 });
  });

  it('stops a fork bomb, endless allocation in either kind of memory, and a full disk', () => {
    expect(answer.outcomes.slice(3).map((outcome) => outcome.exitCode)).not.toContain(0);
    expect(Number(/started: (\d+)/.exec(answer.outcomes[3]?.stdout ?? '')?.[1])).toBeLessThan(40);
    expect(answer.outcomes[5]?.limit).toBe('memory');
    expect(answer.outcomes[6]?.limit).toBe('output-size');
  });
});
