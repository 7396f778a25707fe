// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { CommanderError } from 'commander';
import { OakumError } from '#core';
import { EXIT_CODES } from './exit-codes.ts';
import { formatFailure, toFailure } from './failure.ts';
import { createProgram } from './program.ts';
import { openWorld, readVersion } from './world.ts';

/** How long a stopped run may take to kill its children and clean up. */
const STOP_MILLISECONDS = 5000;

/** Runs the command line of this process: the one place where argv, signals and the exit code meet. */
async function main(): Promise<void> {
  process.umask(0o022);
  process.stdout.on('error', quietEnd);
  process.stderr.on('error', quietEnd);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(EXIT_CODES.interrupted.code)); // the second time, at once
      setTimeout(() => process.exit(EXIT_CODES.interrupted.code), STOP_MILLISECONDS).unref(); // whatever does not listen
      stop.abort(
        new OakumError('interrupted', 'INTERRUPTED', 'stopped', {
          hint: 'Run the command again: it goes on from the cache.',
        }),
      );
    });
  }
  const home = resolve(import.meta.dirname, '../..');
  const world = () => openWorld(process.env, stop.signal);
  const program = createProgram(readVersion(home), { world }, process.argv[2]);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError)
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_CODES.usage.code; // it has printed its message
    else fail(stop.signal.aborted ? stop.signal.reason : error);
  }
}

/** A reader that has seen enough (`| head`) is no failure. */
function quietEnd(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}

function fail(error: unknown): void {
  const failure = toFailure(error);
  const json = process.argv.includes('--json');
  process.stderr.write(json ? `${JSON.stringify({ kind: 'error', ...failure })}\n` : formatFailure(failure));
  if (process.env['OAKUM_TRACE'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = failure.exitCode;
}

/** Ends at once when everything is written: what is left then is to tidy memory and idle connections, which takes longer than a scan's output. */
function end(): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
}

// In a bundle the worker of the room sources loads what it shares with this file, and with it this file.
if (isMainThread) void main().then(end);
