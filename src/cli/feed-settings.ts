// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path';
import type { ReadDefinition } from '#definition';
import { type Feeds, type FeedSources, openFeeds } from '#vulnerabilities';
import type { World } from './world.ts';

/** Opens the feeds in the data folder, with the ages of a definition. */
export function openFeedsOf({ definition }: Pick<ReadDefinition, 'definition'>, world: World): Feeds {
  return openFeeds({ folder: world.stateFolder, clock: world.clock, maxAgeDays: definition.feeds.maxAgeDays });
}

/** Where feeds come from: --mirror, else OAKUM_FEEDS_MIRROR, else the definition, else the public addresses. */
export function feedSourcesOf(read: ReadDefinition, world: World, flag: string | undefined): FeedSources {
  const { mirror, osv, alpine } = read.definition.feeds;
  const given = flag ?? (world.env['OAKUM_FEEDS_MIRROR'] || undefined);
  const place =
    given !== undefined
      ? placeOf(given, world.workingFolder)
      : mirror === undefined
        ? undefined
        : placeOf(mirror, dirname(read.file));
  return {
    osvEcosystems: osv.ecosystems,
    osvIds: osv.ids,
    alpineBranches: alpine.branches,
    ...(place === undefined ? {} : { mirror: place }),
  };
}

/** A URL stays as it is; a folder is taken from where it was named. */
function placeOf(mirror: string, folder: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(mirror) ? mirror : resolve(folder, mirror);
}
