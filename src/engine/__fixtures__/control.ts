// SPDX-License-Identifier: Apache-2.0
// control.ts FILE: a control process of its own that runs one step and prints how it ended; tests kill it, or start it as another user.
import { readFileSync } from 'node:fs';
import { openCache } from '#cache';
import { runProcess } from '#core';
import { openEngine } from '../engine.ts';
import { inspectMachine, type SandboxReading } from '../inspect.ts';
import type { SandboxStep } from '../step.ts';

interface Setup {
  readonly cache: string;
  readonly reading?: SandboxReading;
  readonly steps?: readonly SandboxStep[];
  readonly step?: SandboxStep;
}

const setup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Setup;
const cache = await openCache(setup.cache);
const reading =
  setup.reading ?? (await inspectMachine({ run: runProcess, cache, searchPath: process.env['PATH'] ?? '' }));
const engine = openEngine({ run: runProcess, cache, reading });
const outcomes = [];
for (const step of setup.steps ?? (setup.step === undefined ? [] : [setup.step])) outcomes.push(await engine.run(step));
process.stdout.write(JSON.stringify({ reading, outcomes }));
