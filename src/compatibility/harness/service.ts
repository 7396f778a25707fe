// SPDX-License-Identifier: Apache-2.0
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Clock, messageOf, type ProcessResult, type RunProcess } from '#core';
import { CompatibilityError } from '../error.ts';

/** A program to keep running. */
export interface ServiceRequest {
  /** What it is called in errors. */
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What it prints is added to this file. */
  readonly logFile: string;
  /** Gives the process to ask to end, where that is not the one that was started. */
  readonly leader?: (started: number) => Promise<number | undefined>;
}

/** What services are run with. */
export interface ServiceTools {
  readonly run: RunProcess;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A program that runs. */
export interface Service {
  readonly name: string;
  readonly logFile: string;
  /** Waits until `ready` says yes. Throws `PROGRAM_FAILED` (`PROGRAM_UNSTARTED`) where it, or one that it `needs`, ends or time runs out first. */
  untilReady(ready: () => Promise<boolean>, needs?: readonly Service[]): Promise<void>;
  /** Gives how it ended, where it ended unasked. */
  failure(): CompatibilityError | undefined;
  /** Asks it to end (SIGTERM), ends it where it does not, and waits until it is gone. */
  stop(): Promise<void>;
}

const READY_WITHIN = 180_000;
const STOP_WITHIN = 20_000;
const TICK = 50;
const LINES_SHOWN = 8;
/** What starts a program speaks for itself where it can't: then nothing is known of the program. */
const LAUNCHER = /^\s*(?:bwrap|setpriv): /m;
const FAILED = {
  code: 'PROGRAM_FAILED',
  hint: 'Its log tells more. Where the machine is short of memory or disk, free some and run the command again.',
} as const;
const UNSTARTED = {
  code: 'PROGRAM_UNSTARTED',
  hint: 'Run `oakum doctor` to see what this machine lacks. Started as root, programs run as another user, who must be able to enter the cache folder (OAKUM_CACHE).',
} as const;

/** How a program ended: in words, and what it said last. */
interface Ending {
  readonly how: string;
  readonly tail: string;
}

/**
 * Starts a program that dies with this process, however that ends: the kernel is told so (PR_SET_PDEATHSIG, by setpriv).
 * An abort of the signal kills it.
 */
export function startService(request: ServiceRequest, tools: ServiceTools): Service {
  const { name, logFile } = request;
  let pid: number | undefined;
  let ended: Ending | undefined;
  let asked = false;
  const exited = runLogged(request, tools, (started) => {
    pid = started;
  }).then((ending) => (ended = ending));
  const failed = (message: string): CompatibilityError => {
    const text = `${name} ${message}${ended?.tail ? `:\n${ended.tail}` : ''}`;
    const { code, hint } = LAUNCHER.test(ended?.tail ?? '') ? UNSTARTED : FAILED;
    return new CompatibilityError(code, text, { where: logFile, hint });
  };
  const failure = () => (ended === undefined || asked ? undefined : failed(ended.how));
  return {
    name,
    logFile,
    failure,
    untilReady: (ready, needs = []) =>
      waitUntilReady(ready, { failed, failures: [...needs.map((one) => () => one.failure()), failure] }, tools),
    async stop() {
      asked = true;
      if (ended === undefined && pid !== undefined) kill((await request.leader?.(pid)) ?? pid, 'SIGTERM');
      const timer = setTimeout(() => {
        if (pid !== undefined) kill(-pid, 'SIGKILL');
      }, STOP_WITHIN);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Runs a program to its end, adding what it prints to its log. Never throws: how it ended is a value. */
async function runLogged(
  { argv, env, cwd, logFile }: ServiceRequest,
  { run, signal }: ServiceTools,
  onStart: (pid: number) => void,
): Promise<Ending> {
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o644 });
  try {
    const result = await run({
      argv: ['setpriv', '--pdeathsig', 'KILL', '--', ...argv],
      env,
      cwd,
      signal,
      keepBytes: 16 << 10,
      onOutput: (_stream, chunk) => void log.write(chunk),
      onStart,
    });
    return { how: wordsOf(result), tail: tailOf(result) };
  } catch (error) {
    return { how: messageOf(error), tail: '' };
  } finally {
    log.end();
    await finished(log).catch(() => undefined); // a full disk shows elsewhere
  }
}

async function waitUntilReady(
  ready: () => Promise<boolean>,
  judge: { readonly failed: (message: string) => Error; readonly failures: readonly Service['failure'][] },
  { clock, signal }: ServiceTools,
): Promise<void> {
  const until = performance.now() + READY_WITHIN;
  while (!(await ready().catch(() => false))) {
    signal.throwIfAborted();
    const error = judge.failures.map((failure) => failure()).find((one) => one !== undefined);
    if (error !== undefined) throw error;
    if (performance.now() > until) throw judge.failed(`was not ready after ${READY_WITHIN / 1000} s`);
    await clock.sleep(TICK, signal);
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

function wordsOf({ exitCode, signal }: ProcessResult): string {
  return exitCode === undefined ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
}

function tailOf({ stdout, stderr }: ProcessResult): string {
  const lines = (stderr.trim() || stdout.trim()).split('\n');
  return lines
    .slice(-LINES_SHOWN)
    .map((line) => `  ${line.slice(0, 400)}`)
    .join('\n')
    .trimEnd();
}
