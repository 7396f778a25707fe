// SPDX-License-Identifier: Apache-2.0
import { compareRevisions, type ImageChanges } from '#factory';
import { formatChangelog } from '../changelog-text.ts';
import { openFeedsOf } from '../feed-settings.ts';
import { findReachability } from '../reachability.ts';
import { openPairs, type PlaceFlags, predecessorOf, type Revisions } from '../revision-pairs.ts';
import { type OutputFlags, print } from '../session.ts';
import { type Loaded, loadDefinition, type SharedFlags } from '../shop.ts';
import { temporaryPath } from '../temporary.ts';
import type { World } from '../world.ts';

interface ChangelogFlags extends SharedFlags, OutputFlags, PlaceFlags {
  readonly since?: string;
}

/** `oakum changelog`: says in Markdown what a revision changed in each image, and which findings it fixed, opened and left. */
export async function changelog(revision: string, flags: ChangelogFlags, world: World): Promise<void> {
  const loaded = await loadDefinition(flags, world);
  const before = flags.since ?? predecessorOf(revision, loaded.lock);
  const images = await readChanges({ before, after: revision }, loaded, { flags, world });
  print(flags, { revision, since: before, images }, () => formatChangelog(revision, before, images));
}

/** Compares two revisions where they are published, with the feeds on disk. */
export async function readChanges(
  revisions: Revisions,
  loaded: Loaded,
  { flags, world }: { readonly flags: PlaceFlags; readonly world: World },
): Promise<readonly ImageChanges[]> {
  return compareRevisions(await openPairs(revisions, loaded, { flags, world }), {
    feeds: openFeedsOf(loaded.read, world),
    now: world.clock.now(),
    temporary: () => temporaryPath('changelog'),
    reachability: (reports) => findReachability(reports, world.stateFolder, world),
  });
}
