// SPDX-License-Identifier: Apache-2.0
import { cp, lchown, lstat, mkdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { type Cache, removeTree } from '#cache';
import type { RunProcess } from '#core';
import { prlimitArguments } from './arguments.ts';
import { checkMounts } from './mounts.ts';
import { settleOutputs } from './outputs.ts';
import type { SandboxStep, StepOutcome } from './step.ts';
import { foldersOf, judgeOutputs, limitOfEnd, supervise } from './supervise.ts';
import { measureRoom } from './watch.ts';

/** What provenance records where the sandbox was taken away by name. */
export const UNSANDBOXED = 'none (--unsandboxed)';

/** What running needs beside the step: the absolute paths of setpriv and prlimit, where the machine has them. */
export interface UnsandboxedTools {
  readonly run: RunProcess;
  readonly cache: Cache;
  readonly limiter: { readonly setpriv: string; readonly prlimit: string } | undefined;
}

/**
 * Runs a checked step as a plain process of the machine, with the same environment and rlimits. Since nothing can be mounted,
 * the places of the mounts (and /tmp) are replaced by where they really lie, in argv, env and cwd: see {@link relocate}.
 * A throwaway mount is a real copy; `read` is not enforced.
 */
export async function runUnsandboxed(step: SandboxStep, tools: UnsandboxedTools): Promise<StepOutcome> {
  await checkMounts(step, { kind: 'own', uid: 0 });
  const scratch = tools.cache.temporary();
  await mkdir(join(scratch, 'tmp'), { recursive: true });
  try {
    const moves = await layOut(step, scratch);
    const since = (await lstat(join(scratch, 'tmp'))).ctimeMs;
    const { own, shared } = foldersOf(step);
    const room = await measureRoom([...own, ...shared]);
    let pid: number | undefined;
    const argv = step.argv.map((text) => relocate(text, moves)) as unknown as SandboxStep['argv'];
    const { result, limit, elapsedMilliseconds } = await supervise({
      run: tools.run,
      request: {
        argv: tools.limiter === undefined ? argv : limited(argv, step, tools.limiter),
        env: Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, relocate(value, moves)])),
        cwd: relocate(step.cwd, moves),
        onStart: (started) => {
          pid = started;
        },
        ...(step.onOutput === undefined ? {} : { onOutput: step.onOutput }),
      },
      step,
      since,
      leader: async () => undefined, // no process is known to take the others with it: the process group is killed
      countInTree: { memory: false, processes: false },
    });
    if (pid !== undefined) killGroup(pid);
    const broken =
      limit ??
      (await judgeOutputs(step, since, room)) ??
      limitOfEnd(result, { cpuSeconds: step.limits.cpuSeconds, elapsedMilliseconds });
    const { stdout, stderr, signal } = result;
    const exitCode = broken !== undefined && result.exitCode === 0 ? undefined : result.exitCode;
    return { exitCode, signal, timedOut: broken === 'wall-time', limit: broken, stdout, stderr, sandbox: UNSANDBOXED };
  } finally {
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const { own, shared } = foldersOf(step);
    for (const folder of own) await settleOutputs(folder, owner);
    // What root left in there belongs to root: its top says so, and the next sandboxed step hands all of it over anew.
    if (owner.uid === 0) for (const folder of shared) await lchown(folder, owner.uid, owner.gid);
    await removeTree(scratch);
  }
}

/** Where each place inside the sandbox lies outside, the longest place first. */
export type Moves = readonly (readonly [inside: string, outside: string])[];

/**
 * Replaces places of the sandbox in a text: each place that stands at the start or after one of `= : , ;`, a quote or white
 * space, and ends there or at a slash. So `PATH=/go/bin:/x`, `-o /out/a` and `-C=/src` change, `/srcs` and `a/src` do not.
 */
export function relocate(text: string, moves: Moves): string {
  const places = moves.map(([inside]) => inside.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const pattern = new RegExp(`(^|[=:,;\\s"'])(${places})(?=$|[/=:,;\\s"'])`, 'g');
  const outside = new Map(moves);
  return text.replace(pattern, (_, before: string, place: string) => `${before}${outside.get(place) ?? place}`);
}

async function layOut(step: SandboxStep, scratch: string): Promise<Moves> {
  const moves: [string, string][] = [];
  for (const [index, mount] of step.mounts.entries()) {
    const own = join(scratch, String(index));
    if (mount.kind === 'data') await writeFile(own, mount.content);
    if (mount.kind === 'throwaway') {
      await cp(mount.from, own, { recursive: true, mode: constants.COPYFILE_FICLONE, verbatimSymlinks: true });
    }
    moves.push([mount.to, mount.kind === 'data' || mount.kind === 'throwaway' ? own : mount.from]);
  }
  if (!moves.some(([place]) => place === '/tmp')) moves.push(['/tmp', join(scratch, 'tmp')]);
  return moves.sort(([left], [right]) => right.length - left.length);
}

function limited(
  argv: SandboxStep['argv'],
  step: SandboxStep,
  limiter: { readonly setpriv: string; readonly prlimit: string },
): SandboxStep['argv'] {
  // No --nproc: it would count every process of this user on the machine.
  const limits = prlimitArguments(step.limits, { memory: true, processes: false });
  return [limiter.setpriv, '--pdeathsig', 'KILL', '--', limiter.prlimit, ...limits, '--', ...argv];
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left.
  }
}
