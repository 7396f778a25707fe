// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { openCache } from '#cache';
import { runProcess } from '#core';
import { openEngine } from '../engine.ts';
import { inspectMachine, type SandboxReading } from '../inspect.ts';
import type { SandboxStep } from '../step.ts';

interface Setup {
  readonly cache: string;
  readonly reading?: SandboxReading;
  readonly steps: readonly SandboxStep[];
}

/**
 * Takes a file with a setup and the search path; runs its steps in turn and gives reading and outcomes as JSON.
 * Tests start {@link CONTROL} with it as a process of its own, to kill it or to run it as another user.
 */
export async function control(file: string, searchPath: string): Promise<string> {
  const setup = JSON.parse(readFileSync(file, 'utf8')) as Setup;
  const cache = await openCache(setup.cache);
  const reading = setup.reading ?? (await inspectMachine({ run: runProcess, cache, searchPath }));
  const engine = openEngine({ run: runProcess, cache, reading });
  const outcomes = [];
  for (const step of setup.steps) outcomes.push(await engine.run(step));
  return JSON.stringify({ reading, outcomes });
}

/** Node's arguments before control.ts's own path and the setup's: the program that calls {@link control}. */
export const CONTROL = [
  '--conditions=oakum-source',
  '--input-type=module',
  '--eval',
  "const { argv, env, stdout } = process; const { control } = await import(argv[1]); stdout.write(await control(argv[2], env.PATH ?? ''));",
];
