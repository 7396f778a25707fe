// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path';
import type { Report } from '#core';
import type { ReadDefinition } from '#definition';
import { type FeedName, type Feeds, type FeedSources, type FeedUpdate, openFeeds, updateFeeds } from '#vulnerabilities';
import type { World } from './world.ts';

/** Opens the feeds in the data folder, with the ages of a definition. */
export function openFeedsOf({ definition }: Pick<ReadDefinition, 'definition'>, world: World): Feeds {
  return openFeeds({ folder: world.stateFolder, clock: world.clock, maxAgeDays: definition.feeds.maxAgeDays });
}

/** Which feeds to update, from where, and which are taken even if they shrank; all of them, unless told. */
export interface UpdateChoice {
  readonly mirror?: string | undefined;
  readonly only?: readonly FeedName[] | undefined;
  readonly accept?: readonly FeedName[] | undefined;
}

/** Fetches what changed in the feeds of a definition into the data folder. */
export function updateFeedsOf(
  read: ReadDefinition,
  { mirror, only, accept = [] }: UpdateChoice,
  { world, report }: { readonly world: World; readonly report: Report },
): Promise<readonly FeedUpdate[]> {
  return updateFeeds({
    http: world.http,
    clock: world.clock,
    folder: world.stateFolder,
    sources: feedSourcesOf(read, world, mirror),
    maxAgeDays: read.definition.feeds.maxAgeDays,
    signal: world.signal,
    report,
    accept,
    ...(only === undefined ? {} : { only }),
  });
}

/** Where feeds come from: --mirror, else OAKUM_FEEDS_MIRROR, else the definition, else the public addresses. */
function feedSourcesOf(read: ReadDefinition, world: World, flag: string | undefined): FeedSources {
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
