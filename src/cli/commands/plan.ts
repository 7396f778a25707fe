// SPDX-License-Identifier: Apache-2.0
import { completeLock, planRelease, type ReleasePlan, select } from '#factory';
import { formatTable } from '../format.ts';
import { print, withProgress } from '../session.ts';
import { loadDefinition, openShop } from '../shop.ts';
import type { World } from '../world.ts';
import type { SelectionFlags } from './release.ts';

/** `oakum plan`: shows what a release would do; writes nothing, not even the lock. */
export async function plan(version: string, flags: SelectionFlags, world: World): Promise<void> {
  const planned = await withProgress(flags, world, async (report) => {
    const loaded = await loadDefinition(flags, world);
    const { definition } = loaded.read;
    const shop = await openShop(loaded, { flags, world, report });
    const selection = select(definition, {
      ...(flags.component === undefined ? {} : { components: flags.component }),
      ...(flags.channel === undefined ? {} : { channels: flags.channel }),
      platforms: flags.platform ?? [shop.machine.platform],
    });
    const completed = await completeLock({ ...loaded, definition, version, locked: flags.locked === true }, shop);
    return planRelease({ definition, lock: completed.lock, release: completed.release, selection }, shop);
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
