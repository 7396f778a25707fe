// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProcess } from '#core';
import { CONTROL } from './__fixtures__/control.ts';
import { openWorkshop, probing } from './__fixtures__/workshop.ts';
import { inspectMachine } from './inspect.ts';

let shop: Awaited<ReturnType<typeof openWorkshop>>;

beforeAll(async () => {
  shop = await openWorkshop(process.env);
});

afterAll(async () => {
  await shop.close();
});

/** Waits until a file has content. */
async function written(path: string): Promise<void> {
  while (!existsSync(path) || statSync(path).size === 0) await delay(10);
}

/** Says whether a file stops growing within a second; one that was never closed grows every 10 ms. */
async function restsAt(path: string): Promise<boolean> {
  for (let size = -1, equal = 0, round = 0; round < 40; round += 1) {
    const now = statSync(path).size;
    equal = now === size ? equal + 1 : 0;
    if (equal >= 10) return true;
    size = now;
    await delay(50);
  }
  return false;
}

describe('a step', () => {
  it('leaves no process behind when it ends', async () => {
    const out = shop.makeFolder();
    const outcome = await shop.engine.run(
      probing(shop.hostile, ['stay=/out/alive'], { mounts: [{ kind: 'write', from: out, to: '/out' }] }),
    );
    expect(outcome.stdout).toContain('stay=/out/alive reached');
    expect(await restsAt(join(out, 'alive'))).toBe(true);
  });

  it('would leave one behind without the sandbox (so that this test can fail)', async () => {
    const out = shop.makeFolder();
    const outcome = await shop.bare.run(
      probing(shop.hostile, ['stay=/out/alive'], { mounts: [{ kind: 'write', from: out, to: '/out' }] }),
    );
    expect(outcome.stdout).toMatch(/reached/);
    const before = statSync(join(out, 'alive')).size;
    await delay(300);
    expect(statSync(join(out, 'alive')).size).toBeGreaterThan(before);
  });

  it('ends whole when it is aborted, and the reason is thrown', async () => {
    const out = shop.makeFolder();
    const controller = new AbortController();
    const running = shop.engine.run(
      probing(shop.hostile, ['stay=/out/alive', 'sleep=60000'], {
        mounts: [{ kind: 'write', from: out, to: '/out' }],
        signal: controller.signal,
      }),
    );
    await written(join(out, 'alive'));
    controller.abort(new Error('interrupted by the user'));
    await expect(running).rejects.toThrow('interrupted by the user');
    const size = statSync(join(out, 'alive')).size;
    await delay(100);
    expect(statSync(join(out, 'alive')).size).toBe(size);
  });

  it('does not start when it is aborted before', async () => {
    const step = probing(shop.hostile, ['sleep=60000'], { signal: AbortSignal.abort(new Error('too late')) });
    await expect(shop.engine.run(step)).rejects.toThrow('too late');
  });

  it.each(['at once', 'early', 'later'])('can be aborted at any moment (%s)', async (moment) => {
    const controller = new AbortController();
    const running = shop.engine.run(probing(shop.hostile, ['sleep=60000'], { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('stop')), { 'at once': 0, early: 15, later: 35 }[moment]);
    await expect(running).rejects.toThrow('stop');
  });

  it('dies with the control process, even one killed by SIGKILL', async () => {
    const out = shop.makeFolder();
    const setup = join(shop.folder, 'control.json');
    writeFileSync(
      setup,
      JSON.stringify({
        cache: join(shop.folder, 'other-cache'),
        reading: shop.reading,
        steps: [
          probing(shop.hostile, ['stay=/out/alive', 'sleep=60000'], {
            mounts: [{ kind: 'write', from: out, to: '/out' }],
          }),
        ],
      }),
    );
    const control = spawn(process.execPath, [...CONTROL, join(import.meta.dirname, '__fixtures__/control.ts'), setup], {
      stdio: 'ignore',
    });
    await written(join(out, 'alive'));
    control.kill('SIGKILL');
    await once(control, 'exit');
    expect(await restsAt(join(out, 'alive'))).toBe(true);
    // What it could not tidy up, the next run does.
    const { verdict } = await inspectMachine({
      run: runProcess,
      cache: shop.cache,
      searchPath: process.env['PATH'] ?? '',
    });
    const { cgroups } = verdict.kind === 'usable' ? verdict.setup : {};
    for (const folder of [cgroups?.memory, cgroups?.pids].filter((path) => path !== undefined))
      expect(readdirSync(folder).filter((name) => name.startsWith(`oakum-${control.pid}-`))).toEqual([]);
  });

  it('streams its output while it runs', async () => {
    const chunks: string[] = [];
    const step = probing(shop.hostile, ['say=one', 'sleep=200', 'say=two']);
    const outcome = await shop.engine.run({
      ...step,
      onOutput: (_, chunk) => chunks.push(Buffer.from(chunk).toString()),
    });
    expect(chunks.join('')).toBe(outcome.stdout);
    expect(chunks.length).toBeGreaterThan(1);
  });

  it('runs beside others that write to the same shared folder', async () => {
    const shared = { kind: 'write', from: shop.makeFolder(), to: '/cache', shared: true } as const;
    const names = Array.from({ length: 6 }, (_, index) => `file-${index}`);
    const outcomes = await Promise.all(
      names.map((name) =>
        shop.engine.run(probing(shop.hostile, [`write=/cache/${name}`, 'poison=/cache'], { mounts: [shared] })),
      ),
    );
    expect(outcomes.map((outcome) => outcome.exitCode)).toEqual(names.map(() => 0));
    for (const name of names) expect(readFileSync(join(shared.from, name), 'utf8')).toMatch(/^(poison|hostile\n)$/);
  });
});

describe('a step that cannot be', () => {
  it('is refused with all its faults at once', async () => {
    const step = probing(shop.hostile, [], {
      mounts: [
        { kind: 'data', to: '/dev/x', content: '' },
        { kind: 'data', to: '/a/../b', content: '' },
        { kind: 'data', to: '/bin/hostile', content: '' },
      ],
      limits: { memoryBytes: 0 },
    });
    const refusal = shop.engine.run({ ...step, cwd: 'relative', env: { 'A=B': 'c' } });
    await expect(refusal).rejects.toMatchObject({ code: 'STEP_INVALID', family: 'usage' });
    await expect(refusal).rejects.toThrow(
      /a\/\.\.\/b.*relative.*dev\/x.*bin\/hostile is given twice.*A=B.*memoryBytes/s,
    );
  });

  it.runIf(process.getuid?.() === 0)(
    'names a folder that only root may read, and opens nothing for others',
    async () => {
      const closed = shop.makeFolder();
      chmodSync(closed, 0o700);
      const step = probing(shop.hostile, ['list=/src'], { mounts: [{ kind: 'read', from: closed, to: '/src' }] });
      await expect(shop.engine.run(step)).rejects.toMatchObject({ code: 'MOUNT_UNREADABLE', where: closed });
      expect(statSync(closed).mode & 0o777).toBe(0o700);
      chmodSync(closed, 0o755);
      expect((await shop.engine.run(step)).stdout).toContain('list=/src reached');
      expect(statSync(shop.folder).mode & 0o777, 'the folder above stays closed').toBe(0o700);
    },
  );

  it('names what it wanted to mount and did not find, and a program that is not there', async () => {
    const step = probing(shop.hostile, []);
    const absent = { kind: 'read', from: join(shop.folder, 'absent'), to: '/absent' } as const;
    await expect(shop.engine.run({ ...step, mounts: [absent] })).rejects.toMatchObject({
      code: 'MOUNT_MISSING',
      where: absent.from,
    });
    await expect(shop.engine.run({ ...step, argv: ['/bin/absent'] })).rejects.toMatchObject({
      code: 'SANDBOX_START_FAILED',
    });
  });
});
