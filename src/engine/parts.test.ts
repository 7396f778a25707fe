// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '#cache';
import { type ProcessResult, runProcess } from '#core';
import { chooseAccount } from './account.ts';
import { findCgroupPlace, makeCgroup } from './cgroup.ts';
import { openEngine } from './engine.ts';
import { inspectMachine } from './inspect.ts';
import { seccompFilter } from './seccomp.ts';
import { type FilterArchitecture, JUDGED, REFUSED, UNKNOWN } from './syscalls.ts';
import { relocate } from './unsandboxed.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oakum-parts-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, content: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** A reading of classic BPF as linux/filter.h defines it, for the few instructions that the filter uses. */
function judge(program: Uint8Array, data: { arch: number; nr: number; args?: readonly number[] }): number {
  const view = new DataView(program.buffer);
  const words = new Map([
    [0, data.nr],
    [4, data.arch],
    ...(data.args ?? []).map((arg, index): [number, number] => [16 + index * 8, arg]),
  ]);
  let register = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const code = view.getUint16(at * 8, true);
    const value = view.getUint32(at * 8 + 4, true);
    const jump = (yes: boolean) => (at += view.getUint8(at * 8 + (yes ? 2 : 3)));
    if (code === 0x20) register = words.get(value) ?? 0;
    else if (code === 0x54) register = (register & value) >>> 0;
    else if (code === 0x15) jump(register === value);
    else if (code === 0x35) jump(register >= value);
    else if (code === 0x45) jump((register & value) >>> 0 !== 0);
    else if (code === 0x06) return value;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('ran past the end');
}

const ALLOW = 0x7fff0000;
const refusal = (errno: number) => 0x00050000 | errno;

describe.each<[FilterArchitecture, number, 0 | 1]>([
  ['x64', 0xc000003e, 0],
  ['arm64', 0xc00000b7, 1],
])('the seccomp filter for %s', (architecture, arch, column) => {
  const program = seccompFilter(architecture);
  const verdict = (nr: number | undefined, ...args: number[]) =>
    nr === undefined ? undefined : judge(program, { arch, nr, args });

  it('refuses what is on the list and allows the rest', () => {
    expect(program.length / 8).toBeLessThan(4096);
    const refused = new Set<number | undefined>();
    for (const numbers of Object.values(REFUSED)) refused.add(numbers[column]);
    for (const numbers of [...Object.values(UNKNOWN), ...Object.values(JUDGED)]) refused.add(numbers[column]);
    for (let nr = 0; nr < 500; nr += 1) if (!refused.has(nr)) expect(verdict(nr), `call ${nr}`).toBe(ALLOW);
    for (const numbers of Object.values(REFUSED)) expect([undefined, refusal(1)]).toContain(verdict(numbers[column]));
    for (const numbers of Object.values(UNKNOWN)) expect(verdict(numbers[column])).toBe(refusal(38));
  });

  it('kills foreign architectures', () => {
    expect(judge(program, { arch: 0x40000003, nr: 1 })).toBe(0x80000000);
    if (architecture === 'x64') expect(verdict(0x40000001)).toBe(0x80000000);
  });

  it('judges by arguments', () => {
    const nr = (name: keyof typeof JUDGED) => JUDGED[name][column];
    expect(verdict(nr('clone'), 0x4111)).toBe(ALLOW);
    expect(verdict(nr('clone'), 0x10000011)).toBe(refusal(1));
    expect(verdict(nr('ioctl'), 0, 0x5401)).toBe(ALLOW);
    expect(verdict(nr('ioctl'), 0, 0x5412)).toBe(refusal(1));
    expect(verdict(nr('openat'), 0, 0, 0o101, 0o644)).toBe(ALLOW);
    expect(verdict(nr('openat'), 0, 0, 0o101, 0o4755)).toBe(refusal(1));
    expect(verdict(nr('openat'), 0, 0, 0, 0o4755)).toBe(ALLOW);
    expect(verdict(nr('fchmodat'), 0, 0, 0o755)).toBe(ALLOW);
    expect(verdict(nr('fchmodat'), 0, 0, 0o2755)).toBe(refusal(1));
    expect(verdict(nr('mknodat'), 0, 0, 0o010644)).toBe(ALLOW);
    expect(verdict(nr('mknodat'), 0, 0, 0o020644)).toBe(refusal(1));
    expect(verdict(nr('mknodat'), 0, 0, 0o060644)).toBe(refusal(1));
    expect(verdict(nr('socket'), 1)).toBe(ALLOW);
    expect(verdict(nr('socket'), 40)).toBe(refusal(97));
    expect(verdict(nr('personality'), 0xffffffff)).toBe(ALLOW);
    expect(verdict(nr('personality'), 0x40000)).toBe(refusal(1));
  });
});

describe('relocate', () => {
  it.each([
    ['/src', '/host/src'],
    ['/src/main.go', '/host/src/main.go'],
    ['-o=/out/a', '-o=/host/out/a'],
    ['/go/bin:/src/bin:/usr/bin', '/host/go/bin:/host/src/bin:/usr/bin'],
    ["-ldflags='-L /src'", "-ldflags='-L /host/src'"],
    ['/srcs', '/srcs'],
    ['a/src', 'a/src'],
    ['/src/out/x', '/host/deep/x'],
    ['plain', 'plain'],
  ])('turns %s into %s', (text, expected) => {
    const moves = [
      ['/src/out', '/host/deep'],
      ['/src', '/host/src'],
      ['/out', '/host/out'],
      ['/go', '/host/go'],
    ] as const;
    expect(relocate(text, moves)).toBe(expected);
  });
});

describe('the account for steps', () => {
  const ask = (uid: number, map: string, passwd: string) => {
    write('proc/self/uid_map', map);
    write('proc/self/gid_map', map);
    write('passwd', passwd);
    return chooseAccount({ uid, gid: uid, proc: join(folder, 'proc'), passwd: join(folder, 'passwd') });
  };
  const ALL = '         0          0 4294967295\n';

  it('is the own one for an ordinary user', async () => {
    expect(await ask(1000, ALL, '')).toEqual({ kind: 'own', uid: 1000, gid: 1000 });
  });

  it('is a high unused id for root, never one with a name', async () => {
    expect(await ask(0, ALL, 'root:x:0:0::/:/bin/sh\n')).toEqual({ kind: 'dropped', uid: 71_207, gid: 71_207 });
    expect(await ask(0, ALL, 'a:x:71207:1::/:/bin/sh\n')).toMatchObject({ uid: 83_431 });
  });

  it('is one that a container knows', async () => {
    expect(await ask(0, '0 1000 1\n1 100000 65536\n', '')).toMatchObject({ kind: 'dropped', uid: 60_983 });
    expect(await ask(0, '0 1000 1\n', '')).toEqual({ kind: 'own', uid: 0, gid: 0 });
    expect(await ask(0, '0 0 10\n', '')).toBeUndefined();
  });
});

describe('control groups', () => {
  it('are made, for version 2, at the nearest place whose children have both controllers', async () => {
    const root = join(folder, 'v2');
    write('proc2/self/mountinfo', `30 23 0:26 / ${root} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n`);
    write('proc2/self/cgroup', '0::/user.slice/own.scope\n');
    write('v2/cgroup.subtree_control', 'cpu memory pids\n');
    write('v2/user.slice/cgroup.subtree_control', 'memory pids\n');
    write('v2/user.slice/own.scope/cgroup.subtree_control', '\n');
    const place = await findCgroupPlace(join(folder, 'proc2'));
    expect(place).toEqual({ version: 2, memory: join(root, 'user.slice'), pids: join(root, 'user.slice') });
    const group = await makeCgroup(place as NonNullable<typeof place>, { memoryBytes: 1000, processes: 7 });
    const made = join(group.joins[0] as string, '..');
    expect(group.joins).toHaveLength(1);
    expect(readFileSync(join(made, 'memory.max'), 'utf8')).toBe('1000');
    expect(readFileSync(join(made, 'pids.max'), 'utf8')).toBe('7');
    writeFileSync(join(made, 'memory.events'), 'low 0\noom 1\noom_kill 1\n');
    writeFileSync(join(made, 'pids.events'), 'max 0\n');
    expect(await group.struck()).toEqual({ memory: true, processes: false });
  });

  it('are not to be had where nothing is mounted', async () => {
    expect(await findCgroupPlace(join(folder, 'absent'))).toBeUndefined();
  });
});

describe('a machine without a sandbox', () => {
  const answering = (stdout: string) => async (): Promise<ProcessResult> => ({
    exitCode: 0,
    signal: undefined,
    timedOut: false,
    stdout,
    stderr: '',
  });
  const inspect = async (run: typeof runProcess, more: { platform?: string; searchPath?: string } = {}) =>
    inspectMachine({
      run,
      cache: await openCache(join(folder, 'cache')),
      searchPath: process.env['PATH'] ?? '',
      ...more,
    });

  it.each([
    ['bubblewrap is absent', runProcess, { searchPath: '/nowhere' }, /bubblewrap is not installed.*not found on PATH/],
    ['bubblewrap is old', answering('bubblewrap 0.6.1\n'), {}, /bubblewrap 0\.6\.1 is too old/],
    ['it is no Linux', answering(''), { platform: 'darwin' }, /Linux .* only, and this is darwin/],
  ])('refuses, saying what is missing and how to go on, where %s', async (_, run, more, sentence) => {
    const reading = await inspect(run, more);
    expect(reading.verdict.kind).toBe('unusable');
    const cache = await openCache(join(folder, 'cache'));
    expect(() => openEngine({ run, cache, reading })).toThrow(sentence);
    expect(() => openEngine({ run, cache, reading })).toThrow(
      expect.objectContaining({
        code: 'SANDBOX_UNAVAILABLE',
        family: 'machine',
        hint: expect.stringContaining('--unsandboxed'),
      }),
    );
    expect(openEngine({ run, cache, reading, unsandboxed: true }).sandbox).toBe('none (--unsandboxed)');
  });
});
