// SPDX-License-Identifier: Apache-2.0
import { chmod, lstat, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type Cache, removeTree } from '#cache';
import type { ProcessResult, RunProcess } from '#core';
import type { Account } from './account.ts';
import { bubblewrapCall, prlimitArguments } from './arguments.ts';
import { type Cgroup, type CgroupPlace, makeCgroup } from './cgroup.ts';
import { EngineError } from './error.ts';
import { type Launch, launchArgv, STATUS_DESCRIPTOR, stagedPaths, stageTable } from './launch.ts';
import { handOver, settleOutputs } from './outputs.ts';
import { seccompFilter } from './seccomp.ts';
import { checkMounts } from './mounts.ts';
import type { LimitName, SandboxStep, StepOutcome } from './step.ts';
import { foldersOf, judgeOutputs, limitOfEnd, supervise } from './supervise.ts';
import type { FilterArchitecture } from './syscalls.ts';
import { measureRoom } from './watch.ts';

/** All that a machine gives for sandboxed steps; `inspectMachine` finds it. */
export interface SandboxSetup {
  readonly searchPath: string;
  readonly bubblewrapVersion: string;
  readonly architecture: FilterArchitecture;
  readonly account: Account;
  readonly cgroups: CgroupPlace | undefined;
  readonly cover: string;
}

/** What running needs beside the step. */
export interface SandboxTools {
  readonly run: RunProcess;
  readonly cache: Cache;
  readonly setup: SandboxSetup;
}

/** Takes a setup; gives the words that provenance records. */
export function describeSandbox(setup: SandboxSetup): string {
  const { cgroups } = setup;
  const counted = [cgroups?.memory && 'memory', cgroups?.pids && 'pids'].filter(Boolean).join(', ');
  const limits = cgroups === undefined ? 'rlimits' : `cgroup v${cgroups.version} (${counted})`;
  return `bubblewrap ${setup.bubblewrapVersion}, seccomp, ${limits}`;
}

/** Runs a checked step in bubblewrap. Throws `MOUNT_MISSING`, `MOUNT_UNREADABLE`, `SANDBOX_START_FAILED`, or the step's abort reason. */
export async function runSandboxed(step: SandboxStep, tools: SandboxTools): Promise<StepOutcome> {
  const { setup } = tools;
  await checkMounts(step, setup.account);
  const scratch = tools.cache.temporary();
  const folders = foldersOf(step);
  const group = setup.cgroups === undefined ? undefined : await makeCgroup(setup.cgroups, step.limits);
  try {
    if (setup.account.kind === 'dropped') {
      for (const folder of [...folders.own, ...folders.shared]) await handOver(folder, setup.account);
    }
    const plan = planLaunch(step, setup, { scratch, group });
    await layOut(step, plan.launch);
    return await runPrepared(step, tools, { ...plan, group });
  } finally {
    await group?.remove();
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    for (const folder of folders.own) await settleOutputs(folder, owner);
    await removeTree(scratch);
  }
}

interface Plan {
  readonly launch: Launch;
  readonly descriptors: readonly Uint8Array[];
}

function planLaunch(
  step: SandboxStep,
  setup: SandboxSetup,
  place: { readonly scratch: string; readonly group: Cgroup | undefined },
): Plan {
  const base = {
    scratch: place.scratch,
    account: setup.account,
    cover: setup.cover,
    sources: step.mounts.map((mount, index) =>
      mount.kind === 'data' ? join(place.scratch, 'data', String(index)) : mount.from,
    ),
    throwaways: step.mounts.flatMap((mount, index) => (mount.kind === 'throwaway' ? [index] : [])),
  };
  const { argv, descriptors } = bubblewrapCall(step, {
    sources: stagedPaths(base),
    filter: seccompFilter(setup.architecture),
    statusDescriptor: STATUS_DESCRIPTOR,
  });
  const launch: Launch = {
    ...base,
    parent: process.pid,
    joins: place.group?.joins ?? [],
    temporaryBytes: step.limits.temporaryBytes ?? step.limits.memoryBytes,
    prlimits: prlimitArguments(step.limits, uncounted(setup)),
    bubblewrap: argv,
  };
  return { launch, descriptors };
}

/** Makes the run's folder as {@link Launch} describes it; modes are set whatever the umask, since another user walks here. */
async function layOut(step: SandboxStep, launch: Launch): Promise<void> {
  const stage = join(launch.scratch, 'stage');
  await mkdir(join(stage, 'view'), { recursive: true });
  await mkdir(join(launch.scratch, 'data'));
  for (const [index, mount] of step.mounts.entries()) {
    const source = launch.sources[index] as string;
    if (mount.kind === 'data') {
      await writeFile(source, mount.content);
      await chmod(source, 0o644);
    }
    if (launch.account.kind === 'own') continue;
    if ((await stat(source)).isDirectory()) await mkdir(join(stage, String(index)));
    else await writeFile(join(stage, String(index)), '');
  }
  await chmod(stage, 0o755);
  await chmod(join(stage, 'view'), 0o755);
  await writeFile(join(launch.scratch, 'fstab'), stageTable(launch));
  await writeFile(join(launch.scratch, 'status'), '');
}

async function runPrepared(
  step: SandboxStep,
  tools: SandboxTools,
  plan: Plan & { readonly group: Cgroup | undefined },
): Promise<StepOutcome> {
  const status = join(plan.launch.scratch, 'status');
  const since = (await lstat(status)).ctimeMs;
  const { own, shared } = foldersOf(step);
  const room = await measureRoom([...own, ...shared]);
  const supervised = await supervise({
    run: tools.run,
    request: {
      argv: launchArgv(plan.launch),
      descriptors: plan.descriptors,
      env: { PATH: tools.setup.searchPath, LC_ALL: 'C' },
      cwd: '/',
      ...(step.onOutput === undefined ? {} : { onOutput: step.onOutput }),
    },
    step,
    since,
    leader: async () => (await readStatus(status)).leader,
    countInTree: uncounted(tools.setup),
  });
  const { result, elapsedMilliseconds } = supervised;
  const signal = result.signal ?? signalOf(result);
  const limit =
    supervised.limit ??
    (await judgeOutputs(step, since, room)) ??
    (result.exitCode === 0 ? undefined : await struckLimit(plan.group)) ??
    limitOfEnd({ ...result, signal }, { cpuSeconds: step.limits.cpuSeconds, elapsedMilliseconds });
  const { started } = await readStatus(status);
  if (!started && limit === undefined && result.signal === undefined) throw startFailure(step, result);
  return {
    exitCode: signal !== undefined || (limit !== undefined && result.exitCode === 0) ? undefined : result.exitCode,
    signal,
    timedOut: limit === 'wall-time',
    limit,
    stdout: result.stdout,
    stderr: result.stderr,
    sandbox: describeSandbox(tools.setup),
  };
}

/** What no control group counts on this machine. */
function uncounted(setup: SandboxSetup): { readonly memory: boolean; readonly processes: boolean } {
  return { memory: setup.cgroups?.memory === undefined, processes: setup.cgroups?.pids === undefined };
}

async function struckLimit(group: Cgroup | undefined): Promise<LimitName | undefined> {
  const struck = await group?.struck();
  return struck?.memory ? 'memory' : struck?.processes ? 'processes' : undefined;
}

/** bubblewrap's status: `{"child-pid": N}` once the sandbox stands, `{"exit-code": N}` only for a program that was started in it. */
async function readStatus(path: string): Promise<{ leader: number | undefined; started: boolean }> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const leader = /"child-pid": (\d+)/.exec(text)?.[1];
  return { leader: leader === undefined ? undefined : Number(leader), started: text.includes('"exit-code"') };
}

/** bubblewrap ends with 128 and the signal's number when a signal ended the step's program. */
function signalOf(result: ProcessResult): string | undefined {
  const number = (result.exitCode ?? 0) - 128;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

function startFailure(step: SandboxStep, result: ProcessResult): EngineError {
  const said = result.stderr.trim().split('\n').at(-1) || `exit code ${result.exitCode}`;
  return new EngineError('SANDBOX_START_FAILED', `${step.argv[0]} could not be started in the sandbox: ${said}`, {
    hint: 'Run `oakum doctor` to see what this machine offers; if it is content, the program is missing among the mounts.',
  });
}
