// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, normalize } from 'node:path';
import { EngineError } from './error.ts';

/** Something that a step sees at the absolute path `to`. Everything else of the machine is absent. */
export type Mount =
  /** A file or folder of the machine, read-only. Started as root, it must be readable to everyone (folders: 0755, files: 0644). */
  | { readonly kind: 'read'; readonly from: string; readonly to: string }
  /**
   * A folder that the step may change. With `shared`, other steps write there at the same time (a build cache): it keeps
   * the sandbox's owner between steps, and its growth counts only when the disk's free space fell noticeably.
   */
  | { readonly kind: 'write'; readonly from: string; readonly to: string; readonly shared?: boolean }
  /** A folder that the step may change as it likes, in memory; the folder itself never changes, and the changes are dropped. */
  | { readonly kind: 'throwaway'; readonly from: string; readonly to: string }
  /** A read-only file with this content. */
  | { readonly kind: 'data'; readonly to: string; readonly content: string | Uint8Array };

/** What a step may use. Bytes, milliseconds, seconds. */
export interface Limits {
  readonly wallMilliseconds: number;
  /** All memory of the step together, its files in /tmp included. */
  readonly memoryBytes: number;
  /** Processes and threads at once. */
  readonly processes: number;
  /** The size of any one file. */
  readonly fileBytes: number;
  /** What the step may leave in its write mounts altogether. */
  readonly outputBytes: number;
  /** How many files and folders it may leave in its write mounts that are not shared; 100,000 by default. */
  readonly outputFiles?: number;
  /** The size of /tmp and of all throwaway changes, each; `memoryBytes` by default. */
  readonly temporaryBytes?: number;
  /** CPU time of each single process. */
  readonly cpuSeconds?: number;
}

/** Which limit stopped, or spoilt, a step. */
export type LimitName =
  | 'wall-time'
  | 'cpu-time'
  | 'memory'
  | 'processes'
  | 'file-size'
  | 'output-size'
  | 'output-files';

/** One step. `argv`, `env` and `cwd` speak of paths as the step sees them; `env` is its whole environment (bubblewrap adds PWD). */
export interface SandboxStep {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly mounts: readonly Mount[];
  readonly limits: Limits;
  readonly onOutput?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** Aborting it kills all of the step; `run` then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How a step ended. It went well when `exitCode` is 0, and only then. */
export interface StepOutcome {
  /** Undefined when a signal ended the step's program, and when it ended well but broke a limit. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly limit: LimitName | undefined;
  /** The last MiB of each stream. */
  readonly stdout: string;
  readonly stderr: string;
  /** What held the step, for provenance: `bubblewrap 0.8.0, seccomp, cgroup v1 (memory, pids)` or `none (--unsandboxed)`. */
  readonly sandbox: string;
}

/** Places that the engine itself fills. */
const RESERVED = ['/', '/proc', '/dev', '/etc/passwd'];

/** Takes a step; throws `STEP_INVALID` naming every fault at once. */
export function checkStep(step: SandboxStep): void {
  const places = step.mounts.map((mount) => mount.to);
  const faults = [
    ...[...places, step.cwd]
      .filter((path) => !isPlainPath(path))
      .map((path) => `${JSON.stringify(path)} is no plain absolute path`),
    ...places.filter((path) => isReserved(path)).map((path) => `${path} is filled by the engine`),
    ...places.filter((path, index) => places.indexOf(path) !== index).map((path) => `${path} is given twice`),
    ...step.mounts.flatMap((mount) =>
      mount.kind === 'data' || isPlainPath(mount.from)
        ? []
        : [`${JSON.stringify(mount.from)} is no plain absolute path`],
    ),
    ...[...step.argv, ...Object.entries(step.env).flat()]
      .filter((text) => text.includes('\0'))
      .map(() => 'a NUL byte in argv or env'),
    ...Object.keys(step.env)
      .filter((name) => name === '' || name.includes('='))
      .map((name) => `${JSON.stringify(name)} is no variable name`),
    ...Object.entries(step.limits)
      .filter(([, value]) => !(Number.isSafeInteger(value) && value > 0))
      .map(([name]) => `${name} must be a positive whole number`),
  ];
  if (faults.length > 0) throw new EngineError('STEP_INVALID', `the step is not well-formed: ${faults.join('; ')}`);
}

function isPlainPath(path: string): boolean {
  return isAbsolute(path) && normalize(path) === path && !/[\0\n]/.test(path) && (path === '/' || !path.endsWith('/'));
}

function isReserved(path: string): boolean {
  return RESERVED.some((place) => path === place || (place !== '/' && path.startsWith(`${place}/`)));
}
