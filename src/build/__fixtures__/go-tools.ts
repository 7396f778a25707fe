// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { CompileTools } from '#build';
import { openCache } from '#cache';
import { runProcess, systemClock } from '#core';
import { inspectMachine, openEngine } from '#engine';

/** Gives a setting of the go command that is on this machine. */
export function goEnv(name: string): string {
  return execFileSync('go', ['env', name], { encoding: 'utf8' }).trim();
}

/** Gives what steps that run Go work with: this machine's engine, and an empty cache in `folder`. */
export async function openGoTools(folder: string): Promise<CompileTools> {
  const cache = await openCache(join(folder, 'cache'));
  const reading = await inspectMachine({ run: runProcess, cache, searchPath: process.env['PATH'] ?? '' });
  const engine = openEngine({ run: runProcess, cache, reading });
  return {
    cache,
    clock: systemClock(),
    engine: async () => engine,
    isolated: true,
    limits: { memoryBytes: 2 ** 32, milliseconds: 300_000, processes: 1000 },
    parallelism: 2,
  };
}
