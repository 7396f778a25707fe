// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessRequest, ProcessResult, RunProcess } from '#core';
import type { LimitName, Limits, SandboxStep } from './step.ts';
import { isRunning, measureRoom, measureTree, measureUsage, type Room } from './watch.ts';

/** A started step under watch. */
export interface Supervision {
  readonly run: RunProcess;
  readonly request: Omit<ProcessRequest, 'signal' | 'timeoutMilliseconds'>;
  readonly step: SandboxStep;
  /** The file system's time (milliseconds) when the step began. */
  readonly since: number;
  /** Gives the process that all others of the step die with, once it is there. */
  readonly leader: () => Promise<number | undefined>;
  /** What no control group counts, so that it must be summed over the processes. */
  readonly countInTree: { readonly memory: boolean; readonly processes: boolean };
}

/** How the process ended, and the limit that Oakum itself saw broken. */
export interface Supervised {
  readonly result: ProcessResult;
  readonly limit: LimitName | undefined;
  readonly elapsedMilliseconds: number;
}

const TICK = 100;
const TREE_TICK = 250;
const SCAN_TICK = 2_000;
/** How long the leader's death may take to bring down the rest before the process group is killed as well. */
const GRACE = 2_000;
const OUTPUT_FILES = 100_000;
const KILLED: ProcessResult = { exitCode: undefined, signal: 'SIGKILL', timedOut: false, stdout: '', stderr: '' };

/**
 * Runs a step to its end while its time, its output, and where needed its memory are watched; kills all of it when one is
 * used up or the step's signal is aborted, then throwing the signal's reason. Nothing of the step lives when this is over.
 */
export async function supervise(supervision: Supervision): Promise<Supervised> {
  const { step } = supervision;
  step.signal?.throwIfAborted();
  const began = performance.now();
  const hard = new AbortController();
  const over = new AbortController();
  let limit: LimitName | undefined;
  let noted: LimitName | undefined;
  let graceTimer: NodeJS.Timeout | undefined;
  const kill = async () => {
    const pid = await supervision.leader();
    if (pid === undefined || !tryKill(pid)) hard.abort();
    else graceTimer ??= setTimeout(() => hard.abort(), GRACE);
  };
  const stop = (name: LimitName) => {
    limit ??= name;
    void kill();
  };
  const onAbort = () => void kill();
  step.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop('wall-time'), step.limits.wallMilliseconds);
  const watching = [
    watchOutputs(supervision, stop, over.signal),
    watchTree(supervision, { stop, note: (name) => (noted ??= name) }, over.signal),
  ];
  try {
    const result = await supervision.run({ ...supervision.request, signal: hard.signal }).catch((error: unknown) => {
      if (hard.signal.aborted) return KILLED;
      throw error;
    });
    over.abort();
    await Promise.all(watching);
    if (hard.signal.aborted) await untilGone(await supervision.leader());
    step.signal?.throwIfAborted();
    return {
      result,
      limit: limit ?? (result.exitCode === 0 ? undefined : noted),
      elapsedMilliseconds: performance.now() - began,
    };
  } finally {
    over.abort();
    clearTimeout(timer);
    clearTimeout(graceTimer);
    step.signal?.removeEventListener('abort', onAbort);
  }
}

/** Measures what a finished step left; gives the limit that it broke. Call before its output is settled or used. */
export async function judgeOutputs(step: SandboxStep, since: number, before: Room): Promise<LimitName | undefined> {
  const { own, shared } = foldersOf(step);
  const stopAt = ceilings(step.limits);
  const usage = await measureUsage(own, since, stopAt);
  if (usage.entries > stopAt.entries) return 'output-files';
  let { bytes } = usage;
  const room = await measureRoom([...own, ...shared]);
  if (shared.length > 0 && before.bytes - room.bytes > stopAt.bytes / 2) {
    bytes += (await measureUsage(shared, since, { bytes: stopAt.bytes, entries: Number.POSITIVE_INFINITY })).bytes;
  }
  if (bytes > stopAt.bytes) return 'output-size';
  return usage.largest >= step.limits.fileBytes ? 'file-size' : undefined; // cut off at the limit, whatever the exit code
}

/** Gives the folders that a step writes to, those of its own and those that others fill too. */
export function foldersOf(step: SandboxStep): { readonly own: readonly string[]; readonly shared: readonly string[] } {
  const writes = step.mounts.filter((mount) => mount.kind === 'write');
  return {
    own: writes.filter((mount) => !mount.shared).map((mount) => mount.from),
    shared: writes.filter((mount) => mount.shared).map((mount) => mount.from),
  };
}

function ceilings(limits: Limits): { bytes: number; entries: number } {
  return { bytes: limits.outputBytes, entries: limits.outputFiles ?? OUTPUT_FILES };
}

/** Looks at the disk's free room often, and walks the folders when it fell noticeably, or now and then. */
async function watchOutputs(
  supervision: Supervision,
  stop: (name: LimitName) => void,
  over: AbortSignal,
): Promise<void> {
  const { own, shared } = foldersOf(supervision.step);
  const all = [...own, ...shared];
  if (all.length === 0) return;
  const stopAt = ceilings(supervision.step.limits);
  let last = await measureRoom(all);
  const start = last;
  let idle = 0;
  while (await wait(TICK, over)) {
    const room = await measureRoom(all);
    idle += TICK;
    const fell = last.bytes - room.bytes > stopAt.bytes / 16 || last.files - room.files > stopAt.entries / 16;
    if (!fell && idle < SCAN_TICK) continue;
    const began = performance.now();
    const grown = start.bytes - room.bytes > stopAt.bytes / 2;
    const usage = await measureUsage(grown ? all : own, supervision.since, stopAt);
    if (usage.bytes > stopAt.bytes) return stop('output-size');
    if (usage.entries > stopAt.entries && !grown) return stop('output-files');
    last = room;
    idle = -10 * (performance.now() - began); // a large folder is walked less often
  }
}

async function watchTree(
  supervision: Supervision,
  actions: { readonly stop: (name: LimitName) => void; readonly note: (name: LimitName) => void },
  over: AbortSignal,
): Promise<void> {
  const { memory, processes } = supervision.countInTree;
  if (!memory && !processes) return;
  const { memoryBytes, processes: most } = supervision.step.limits;
  while (await wait(TREE_TICK, over)) {
    const pid = await supervision.leader();
    if (pid === undefined) continue;
    const usage = await measureTree(pid);
    if (processes && usage.tasks >= most * 0.9) actions.note('processes');
    if (memory && usage.residentBytes > memoryBytes) return actions.stop('memory');
  }
}

async function wait(milliseconds: number, over: AbortSignal): Promise<boolean> {
  await delay(milliseconds, undefined, { signal: over }).catch(() => {});
  return !over.aborted;
}

/** Waits for a leader that was orphaned when the process group was killed: its death signal works a moment later. */
async function untilGone(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  for (let round = 0; round < 200 && (await isRunning(pid)); round += 1) await delay(10);
}

function tryKill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** Takes an ended process; gives the limit that the kernel, by a signal, or the program itself, in Go's words, names. */
export function limitOfEnd(
  end: Pick<ProcessResult, 'exitCode' | 'stderr'> & { readonly signal: string | undefined },
  time: { readonly cpuSeconds: number | undefined; readonly elapsedMilliseconds: number },
): LimitName | undefined {
  if (end.signal === 'SIGXFSZ') return 'file-size';
  if (end.signal === 'SIGXCPU') return 'cpu-time';
  if (end.exitCode === 0) return undefined;
  // Go ignores SIGXCPU; a second later SIGKILL follows (setrlimit(2)), which could have other senders had there not been enough time.
  const mostSeconds = (time.elapsedMilliseconds * availableParallelism()) / 1_000;
  if (end.signal === 'SIGKILL' && mostSeconds >= (time.cpuSeconds ?? Number.POSITIVE_INFINITY)) return 'cpu-time';
  return /: file too large$/m.test(end.stderr) ? 'file-size' : undefined;
}
