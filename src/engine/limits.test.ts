// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkshop, probing } from './__fixtures__/workshop.ts';
import type { Mount } from './step.ts';

let shop: Awaited<ReturnType<typeof openWorkshop>>;

beforeAll(async () => {
  shop = await openWorkshop(process.env);
});

afterAll(async () => {
  if (shop.reading.verdict.kind === 'usable') {
    const { cgroups } = shop.reading.verdict.setup;
    for (const folder of [cgroups?.memory, cgroups?.pids]) {
      if (folder !== undefined)
        expect(readdirSync(folder).filter((name) => name.startsWith(`oakum-${process.pid}-`))).toEqual([]);
    }
  }
  expect(readdirSync(`${shop.cache.folder}/tmp`)).toEqual([]);
  await shop.close();
});

function output(): Mount {
  return { kind: 'write', from: shop.makeFolder(), to: '/out' };
}

describe('the limits of a step', () => {
  it('stop a fork bomb', async () => {
    const outcome = await shop.engine.run(probing(shop.hostile, ['bomb'], { limits: { processes: 40 } }));
    expect(outcome.limit).toBe('processes');
    expect(Number(/started: (\d+)/.exec(outcome.stdout)?.[1] ?? 0)).toBeLessThan(40);
  });

  it.each(['memory', 'shared-memory'])('stop endless allocation (%s)', async (probe) => {
    const outcome = await shop.engine.run(probing(shop.hostile, [probe], { limits: { memoryBytes: 96 << 20 } }));
    expect(outcome).toMatchObject({ exitCode: undefined, limit: 'memory' });
  });

  it('stop a step whose files fill the disk', async () => {
    const outcome = await shop.engine.run(probing(shop.hostile, ['fill=/out'], { mounts: [output()] }));
    expect(outcome).toMatchObject({ exitCode: undefined, limit: 'output-size' });
  });

  it('stop a step that fills a folder it shares with others', async () => {
    const mount = { ...output(), shared: true } as Mount;
    const outcome = await shop.engine.run(probing(shop.hostile, ['fill=/out'], { mounts: [mount] }));
    expect(outcome).toMatchObject({ exitCode: undefined, limit: 'output-size' });
  });

  it('fail a step that left a little too much, too fast to be stopped', async () => {
    const outcome = await shop.engine.run(
      probing(shop.hostile, ['write=/out/a', 'write=/out/b'], { mounts: [output()], limits: { outputBytes: 4096 } }),
    );
    expect(outcome).toMatchObject({ exitCode: undefined, limit: 'output-size' });
  });

  it('stop a step that leaves endless empty files', async () => {
    const outcome = await shop.engine.run(
      probing(shop.hostile, ['many=/out'], { mounts: [output()], limits: { outputFiles: 2_000 } }),
    );
    expect(outcome).toMatchObject({ exitCode: undefined, limit: 'output-files' });
  });

  it('end one file at its size', async () => {
    const outcome = await shop.engine.run(probing(shop.hostile, ['huge=/out/huge'], { mounts: [output()] }));
    expect(outcome.limit).toBe('file-size');
    expect(outcome.exitCode).not.toBe(0);
  });

  it('end /tmp and shared memory at their size, harming nobody', async () => {
    const outcome = await shop.engine.run(probing(shop.hostile, ['fill=/tmp', 'fill=/dev/shm']));
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stdout).toMatch(/fill=\/tmp refused: .*no space left on device/);
    expect(outcome.stdout).toMatch(/fill=\/dev\/shm refused: .*no space left on device/);
    const [temporary, shared] = [...outcome.stdout.matchAll(/filled: (\d+)/g)].map((match) => Number(match[1]));
    expect(temporary).toBeLessThanOrEqual(16);
    expect(shared).toBeLessThanOrEqual(64);
  });

  it('end a process at its CPU time', async () => {
    const outcome = await shop.engine.run(probing(shop.hostile, ['spin'], { limits: { cpuSeconds: 1 } }));
    expect(outcome.limit).toBe('cpu-time');
  });

  it('end a step at its time', async () => {
    const outcome = await shop.engine.run(
      probing(shop.hostile, ['say=hello', 'sleep=60000'], { limits: { wallMilliseconds: 700 } }),
    );
    expect(outcome).toMatchObject({ exitCode: undefined, timedOut: true, limit: 'wall-time' });
    expect(outcome.stdout).toContain('hello');
  });

  it('leave an honest step alone, whose exit code is told', async () => {
    const outcome = await shop.engine.run(probing(shop.hostile, ['say=hello', 'exit=7']));
    expect(outcome).toMatchObject({
      exitCode: 7,
      signal: undefined,
      limit: undefined,
      timedOut: false,
      stdout: 'hello\nsay=hello reached\n',
    });
  });

  it('hold without a sandbox too, where a process can be held', async () => {
    const slow = await shop.bare.run(probing(shop.hostile, ['sleep=60000'], { limits: { wallMilliseconds: 500 } }));
    expect(slow).toMatchObject({ timedOut: true, limit: 'wall-time', exitCode: undefined });
    const full = await shop.bare.run(probing(shop.hostile, ['fill=/out'], { mounts: [output()] }));
    expect(full).toMatchObject({ limit: 'output-size', exitCode: undefined });
  });
});
