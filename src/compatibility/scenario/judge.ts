// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError } from '#core';
import { StepFailure } from './failure.ts';
import type { ScenarioRequest, StepResult } from './types.ts';

/** How long a step may take in all, in milliseconds. */
const STEP_WITHIN = 200_000;

/**
 * Runs a step to its verdict, in the time that a step has, and reports it. The signal that the step gets is aborted when the verdict is
 * there, so nothing goes on behind it. Throws only the request's signal's reason.
 */
export async function judge(
  name: string,
  { report, clock, signal }: Pick<ScenarioRequest, 'report' | 'clock' | 'signal'>,
  play: (signal: AbortSignal) => Promise<string>,
): Promise<StepResult> {
  const names = { subject: 'scenario', step: name };
  const start = performance.now();
  const passed = () => Math.round(performance.now() - start);
  const done = new AbortController();
  const stepSignal = AbortSignal.any([signal, done.signal]);
  const late = clock.sleep(STEP_WITHIN, stepSignal).then(() => {
    throw new StepFailure(`not done after ${STEP_WITHIN / 1000} s`);
  });
  late.catch(() => {}); // where the step was first
  report({ kind: 'step-started', ...names });
  try {
    const detail = await Promise.race([play(stepSignal), late]);
    report({ kind: 'step-finished', ...names, cached: false, milliseconds: passed() });
    return { name, verdict: 'passed', milliseconds: passed(), detail };
  } catch (error) {
    signal.throwIfAborted();
    const detail = reasonOf(error);
    report({ kind: 'step-failed', ...names, message: detail });
    return { name, verdict: 'failed', milliseconds: passed(), detail };
  } finally {
    done.abort();
  }
}

/** Gives the result of a step that was not played, and why. */
export function skip(name: string, detail: string): StepResult {
  return { name, verdict: 'skipped', milliseconds: 0, detail };
}

/** A failure of the step tells all; another error tells what, where and what to do. */
function reasonOf(error: unknown): string {
  if (error instanceof StepFailure) return error.message;
  if (!(error instanceof OakumError)) return messageOf(error);
  return [error.message, error.where, error.hint].filter((part) => part !== undefined).join('\n  ');
}
