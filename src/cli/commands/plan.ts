// SPDX-License-Identifier: Apache-2.0
import { planRelease, type ReleasePlan } from '#factory';
import { formatTable } from '../format.ts';
import { openRun, type SelectionFlags } from '../run.ts';
import { print, withProgress } from '../session.ts';
import type { World } from '../world.ts';

/** `oakum plan`: shows what a release would do; writes nothing, not even the lock. */
export async function plan(version: string, flags: SelectionFlags, world: World): Promise<void> {
  const planned = await withProgress(flags, world, async (report) => {
    const options = { world, report, platforms: 'machine', keepLock: false } as const;
    const { loaded, shop, selection, lock, release } = await openRun(version, flags, options);
    return planRelease({ definition: loaded.read.definition, lock, release, selection }, shop);
  });
  print(flags, planned, () => describe(planned));
}

function describe(planned: ReleasePlan): string {
  const rows = planned.steps.map((step) => [step.kind, step.subject, step.from, stateOf(step)]);
  const open = planned.steps.filter((step) => !step.cached).length;
  const summary = open === 0 ? 'everything is in the cache' : `${open} of ${planned.steps.length} steps are to be done`;
  return `${formatTable(['STEP', 'SUBJECT', 'FROM', 'STATE'], rows)}\nFlux ${planned.release}: ${summary}\n`;
}

function stateOf(step: ReleasePlan['steps'][number]): string {
  if (step.cached) return 'cached';
  return step.kind === 'compile' ? 'to build' : 'to fetch';
}
