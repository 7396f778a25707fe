// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { messageOf, OakumError } from './error.ts';

/** Codes of {@link ProcessError}. */
export type ProcessErrorCode = 'PROCESS_NOT_FOUND' | 'PROCESS_NOT_STARTED';

/** A program that could not be started at all; how a started one ends is a value, {@link ProcessResult}. */
export class ProcessError extends OakumError<ProcessErrorCode> {}

/** One program run. Nothing is taken from Oakum's own environment: `env` is all the child gets. No shell is involved. */
export interface ProcessRequest {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: Uint8Array;
  /** Bytes served on file descriptors 3, 4, ... in this order (for bubblewrap's `--seccomp FD` and the like). */
  readonly descriptors?: readonly Uint8Array[];
  readonly signal?: AbortSignal;
  readonly timeoutMilliseconds?: number;
  /** The most bytes kept of stdout and of stderr each, from the end; 1 MiB by default. */
  readonly keepBytes?: number;
  readonly onOutput?: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** Told the process id once started; it leads a process group of its own. */
  readonly onStart?: (pid: number) => void;
}

/** How a program ended. `exitCode` is undefined when a signal ended it. */
export interface ProcessResult {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one program to its end. Throws {@link ProcessError} when it can't start, the signal's reason when aborted. */
export type RunProcess = (request: ProcessRequest) => Promise<ProcessResult>;

/**
 * The machine's own {@link RunProcess}. Each child leads a process group, and time-out or abort kill the whole group,
 * since killing the child alone leaves grandchildren that hold its pipes.
 */
export const runProcess: RunProcess = (request) =>
  new Promise((resolve, reject) => {
    if (request.signal?.aborted) {
      reject(request.signal.reason);
      return;
    }
    const [file, ...args] = request.argv;
    const descriptors = request.descriptors ?? [];
    const child = spawn(file, args, {
      env: { ...request.env },
      cwd: request.cwd,
      detached: true,
      stdio: [
        request.stdin === undefined ? 'ignore' : 'pipe',
        'pipe',
        'pipe',
        ...descriptors.map(() => 'pipe' as const),
      ],
    });
    const kept = { stdout: new Tail(request.keepBytes), stderr: new Tail(request.keepBytes) };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => {
        kept[name].push(chunk);
        request.onOutput?.(name, chunk);
      });
    }
    const feeds: (readonly [Writable | null, Uint8Array])[] = descriptors.map((bytes, index) => [
      child.stdio[index + 3] as Writable,
      bytes,
    ]);
    if (request.stdin !== undefined) feeds.push([child.stdin, request.stdin]);
    for (const [stream, bytes] of feeds) {
      stream?.on('error', () => {}); // a child that does not read all of it may have its reasons; its exit code tells
      stream?.end(bytes);
    }
    let timedOut = false;
    const killGroup = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    };
    const timer =
      request.timeoutMilliseconds === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            killGroup();
          }, request.timeoutMilliseconds);
    const stop = () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', killGroup);
    };
    request.signal?.addEventListener('abort', killGroup, { once: true });
    child.on('spawn', () => request.onStart?.(child.pid as number));
    child.on('error', (error: NodeJS.ErrnoException) => {
      stop();
      const code = error.code === 'ENOENT' ? 'PROCESS_NOT_FOUND' : 'PROCESS_NOT_STARTED';
      reject(new ProcessError('machine', code, `${file} could not be started: ${messageOf(error)}`, { cause: error }));
    });
    child.on('close', (exitCode, signal) => {
      stop();
      if (request.signal?.aborted) reject(request.signal.reason);
      else {
        resolve({
          exitCode: exitCode ?? undefined,
          signal: signal ?? undefined,
          timedOut,
          stdout: kept.stdout.text(),
          stderr: kept.stderr.text(),
        });
      }
    });
  });

/** Keeps the last `limit` bytes of what is pushed. */
class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit = 1 << 20) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size - (this.#chunks[0]?.length ?? 0) >= this.#limit) this.#size -= this.#chunks.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#limit).toString('utf8');
  }
}
