// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import type { RunProcess } from '#core';
import { EngineError } from './error.ts';
import type { SandboxReading } from './inspect.ts';
import { describeSandbox, runSandboxed } from './sandboxed.ts';
import { checkStep, type SandboxStep, type StepOutcome } from './step.ts';
import { runUnsandboxed, UNSANDBOXED } from './unsandboxed.ts';

/** Runs steps in isolation. */
export interface Engine {
  /** What holds the steps, in the words that provenance records. */
  readonly sandbox: string;
  /**
   * Runs one step to its end; how it ends is a value. Write mounts that are not shared belong to the control process
   * afterwards, without set-id bits, sockets and devices; read them with `openOutput`, since what is in them is hostile.
   * Throws {@link EngineError} when the step can't be started, and the step's abort reason.
   */
  run(step: SandboxStep): Promise<StepOutcome>;
}

/** What an engine needs. `unsandboxed` is the user's explicit word to go without a sandbox; scratch lies in the cache's folder. */
export interface EngineOptions {
  readonly run: RunProcess;
  readonly cache: Cache;
  readonly reading: SandboxReading;
  readonly unsandboxed?: boolean;
}

/** Gives the engine of this machine. Throws `SANDBOX_UNAVAILABLE` where the reading says so and `unsandboxed` is not set. */
export function openEngine(options: EngineOptions): Engine {
  const { run, cache, reading } = options;
  if (options.unsandboxed === true) {
    return {
      sandbox: UNSANDBOXED,
      run: async (step) => {
        checkStep(step);
        return await runUnsandboxed(step, { run, cache, limiter: reading.limiter });
      },
    };
  }
  if (reading.verdict.kind === 'unusable') {
    const { reasons, hints } = reading.verdict;
    throw new EngineError('SANDBOX_UNAVAILABLE', `no sandbox can be had on this machine: ${reasons.join('; ')}`, {
      hint: [...hints, 'To build without one, at your own risk and recorded in the provenance: `--unsandboxed`.'].join(
        ' ',
      ),
    });
  }
  const { setup } = reading.verdict;
  return {
    sandbox: describeSandbox(setup),
    run: async (step) => {
      checkStep(step);
      return await runSandboxed(step, { run, cache, setup });
    },
  };
}
