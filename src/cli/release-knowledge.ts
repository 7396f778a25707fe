// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { ReadDefinition } from '#definition';
import type { ReleaseKnowledge } from '#factory';
import type { CompatibilityRecord, ReleaseDocument } from '#release';
import { readDecisions } from '#vulnerabilities';
import { openFeedsOf } from './feed-settings.ts';
import { keptCells } from './lifecycle.ts';
import { reachabilityDecisions } from './reachability.ts';
import { temporaryPath } from './temporary.ts';
import { contextOf } from './vex-decisions.ts';
import { VEX_NAMESPACE } from './vex-namespace.ts';
import type { World } from './world.ts';

/** Where what a person decided and what was tested lies. */
export interface KnowledgeFolders {
  /** Of decisions about vulnerabilities. */
  readonly decisions: string;
  /** Of the release, with the tests that `oakum compat test` left in it. */
  readonly output: string;
}

/**
 * Gives what this machine knows of a revision: the feeds, decisions and analyses of vulnerabilities, and the tests on Kubernetes of the very
 * images that are published.
 */
export function releaseKnowledge(
  read: ReadDefinition,
  { decisions, output }: KnowledgeFolders,
  world: World,
): ReleaseKnowledge {
  const { definition } = read;
  return {
    feeds: openFeedsOf(read, world),
    decisions: async (images) => [
      ...(await readDecisions(resolve(world.workingFolder, decisions), contextOf(definition, world.clock.now()))),
      ...(await reachabilityDecisions(images, world)),
    ],
    origin: { author: definition.vendor, tooling: `oakum/${world.version}`, namespace: VEX_NAMESPACE },
    compatibility: (document) => testsOf(document, output),
    temporary: () => temporaryPath('release'),
  };
}

async function testsOf(document: ReleaseDocument, folder: string): Promise<readonly CompatibilityRecord[]> {
  const cells = await keptCells([{ folder, document }]);
  return cells
    .filter(({ outdated = [] }) => outdated.length === 0)
    .map(({ kubernetes, channel, verdict, digest, made }) => ({ kubernetes, channel, verdict, digest, made }));
}
