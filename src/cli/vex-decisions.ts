// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { Definition } from '#definition';
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
    context: contextOf(definition, world.clock.now()),
  };
}

/** What decisions are checked against: the names that the definition has, and the time. */
export function contextOf(
  { components, channels }: Pick<Definition, 'components' | 'channels'>,
  now: Date,
): DecisionContext {
  return { now, components: Object.keys(components), channels: Object.keys(channels) };
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
