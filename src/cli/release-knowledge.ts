// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { ReadDefinition } from '#definition';
import type { ReleaseKnowledge } from '#factory';
import { readDecisions } from '#vulnerabilities';
import { openFeedsOf } from './feed-settings.ts';
import { reachabilityDecisions } from './reachability.ts';
import { temporaryPath } from './temporary.ts';
import { contextOf } from './vex-decisions.ts';
import { VEX_NAMESPACE } from './vex-namespace.ts';
import type { World } from './world.ts';

/** Gives what this machine knows of a revision's vulnerabilities: its feeds, the decisions in `folder`, and what was analysed. */
export function releaseKnowledge(read: ReadDefinition, folder: string, world: World): ReleaseKnowledge {
  const { definition } = read;
  return {
    feeds: openFeedsOf(read, world),
    decisions: async (images) => [
      ...(await readDecisions(resolve(world.workingFolder, folder), contextOf(definition, world.clock.now()))),
      ...(await reachabilityDecisions(images, world)),
    ],
    origin: { author: definition.vendor, tooling: `oakum/${world.version}`, namespace: VEX_NAMESPACE },
    temporary: () => temporaryPath('release'),
  };
}
