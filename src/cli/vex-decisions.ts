// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { type DecisionContext, readDecisions, type VexDecision } from '#vulnerabilities';
import { loadDefinition } from './shop.ts';
import type { World } from './world.ts';

/** Flags that say where decisions are, and which distribution they are about. */
export interface VexFlags {
  readonly folder: string;
  readonly definition?: string;
}

/** Gives what decisions are checked against, and the definition's vendor. */
export async function openContext(
  flags: VexFlags,
  world: World,
): Promise<{ readonly context: DecisionContext; readonly vendor: string }> {
  const { definition } = (await loadDefinition(flags, world)).read;
  return {
    vendor: definition.vendor,
    context: {
      now: world.clock.now(),
      components: Object.keys(definition.components),
      channels: Object.keys(definition.channels),
    },
  };
}

/** Reads and checks all decisions. Throws `DecisionError` with every fault. */
export async function openDecisions(
  flags: VexFlags,
  world: World,
): Promise<{ readonly decisions: readonly VexDecision[]; readonly vendor: string; readonly now: Date }> {
  const { context, vendor } = await openContext(flags, world);
  return {
    decisions: await readDecisions(resolve(world.workingFolder, flags.folder), context),
    vendor,
    now: context.now,
  };
}
