// SPDX-License-Identifier: Apache-2.0
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readDefinition } from '#definition';
import type { World } from './world.ts';

/** Gives the ages from which a definition's feeds are too old: of --definition, else distribution.yaml here, else the one that comes with Oakum. */
export async function readFeedAges(named: string | undefined, world: World) {
  const here = resolve(world.workingFolder, 'distribution.yaml');
  const exists = await access(here).then(
    () => true,
    () => false,
  );
  const shipped = exists ? here : join(world.home, 'distribution.yaml');
  const { definition } = await readDefinition(named === undefined ? shipped : resolve(world.workingFolder, named));
  return definition.feeds.maxAgeDays;
}
