// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Feeds, openFeeds, type OpenFeedsOptions } from '#vulnerabilities';
import type { World } from './world.ts';

/** Opens the feeds in a data folder, by default Oakum's own, for commands that need nothing else of a definition. */
export async function openFeedsQuickly(
  definition: string | undefined,
  world: World,
  dataFolder = world.stateFolder,
): Promise<Feeds> {
  const maxAgeDays = await readFeedAges(definition, world);
  return openFeeds({ folder: dataFolder, clock: world.clock, maxAgeDays });
}

/**
 * Gives the ages from which a definition's feeds are too old: of --definition, else distribution.yaml here, else the one that
 * comes with Oakum. A scan needs nothing else of it, so one that says nothing of feeds is not parsed.
 */
async function readFeedAges(
  named: string | undefined,
  world: World,
): Promise<NonNullable<OpenFeedsOptions['maxAgeDays']>> {
  const here = resolve(world.workingFolder, named ?? 'distribution.yaml');
  const shipped = join(world.home, 'distribution.yaml');
  const own = await readFile(here, 'utf8').catch(() => undefined);
  const file = own === undefined && named === undefined ? shipped : here;
  const text = own ?? (await readFile(file, 'utf8').catch(() => undefined));
  if (text !== undefined && !text.includes('feeds')) return {};
  const { readDefinition } = await import('#definition');
  return (await readDefinition(file)).definition.feeds.maxAgeDays;
}
