// SPDX-License-Identifier: Apache-2.0
import type { Report } from '#core';
import { plainText } from './format.ts';
import type { ProgressStyle } from './progress.ts';
import type { World } from './world.ts';

/** Flags that choose how a command speaks. */
export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Runs a command's work with progress on stderr; the live lines are gone before the result or the error is printed. */
export async function withProgress<T>(
  flags: OutputFlags,
  world: World,
  work: (report: Report) => Promise<T>,
): Promise<T> {
  const { openProgress } = await import('./progress.ts');
  const progress = await openProgress(styleOf(flags, world), process.stderr);
  try {
    return await work(progress.report);
  } finally {
    progress.close();
  }
}

function styleOf(flags: OutputFlags, world: World): ProgressStyle {
  if (flags.json) return 'json';
  if (flags.quiet) return 'quiet';
  const dumb = world.env['CI'] !== undefined || world.env['TERM'] === 'dumb';
  return process.stderr.isTTY && !dumb ? 'live' : 'plain';
}

/** Prints a result on stdout: as one JSON document, or as text for people. */
export function print(flags: OutputFlags, value: unknown, text: () => string): void {
  process.stdout.write(flags.json ? `${JSON.stringify(value, null, 2)}\n` : plainText(text()));
}
