// SPDX-License-Identifier: Apache-2.0
import type { Report } from '#core';
import type { Definition } from '#definition';
import { type Feeds, type LifeCycle, VulnerabilityError } from '#vulnerabilities';
import { openFeedsOf } from './feed-settings.ts';
import type { Loaded } from './shop.ts';
import type { World } from './world.ts';

/** How long before the end of a branch it is told. */
const WARN_DAYS = 90;
const DAY = 86_400_000;

/** Warns of bases whose branch of Alpine is past its end or comes to it within 90 days, as the feed endoflife on disk knows it. */
export async function warnOfBaseEnds(
  { read }: Pick<Loaded, 'read'>,
  { world, report }: { readonly world: World; readonly report: Report },
): Promise<void> {
  if (!Object.values(read.definition.bases).some(({ kind }) => kind === 'alpine')) return;
  const cycles = await alpineCycles(openFeedsOf(read, world));
  for (const message of baseEnds(read.definition.bases, cycles, world.clock.now())) {
    report({ kind: 'warning', message });
  }
}

/** A feed that is damaged is told where feeds are what is asked for; here it would only be in the way. */
async function alpineCycles(feeds: Feeds): Promise<readonly LifeCycle[]> {
  try {
    return (await feeds.lifeCycles('alpine-linux')) ?? [];
  } catch (error) {
    if (error instanceof VulnerabilityError) return [];
    throw error;
  }
}

/** Takes the bases of a definition and Alpine's life cycles; gives a sentence for each branch that ends soon or has ended. */
export function baseEnds(bases: Definition['bases'], cycles: readonly LifeCycle[], now: Date): readonly string[] {
  return Object.entries(bases).flatMap(([name, base]) => {
    if (base.kind !== 'alpine') return [];
    const end = cycles.find(({ cycle }) => `v${cycle}` === base.branch)?.endOfLife;
    if (typeof end !== 'string') return [];
    const days = Math.ceil((Date.parse(end) - now.getTime()) / DAY);
    if (days > WARN_DAYS) return [];
    const when = days > 0 ? `comes to its end on ${end}, in ${days} days` : `has been past its end since ${end}`;
    const newest = newestCycle(cycles, now);
    const next = newest === undefined || `v${newest}` === base.branch ? 'a newer branch' : `v${newest}`;
    return [`Alpine ${base.branch} of base ${name} ${when}: no fixes come after that; set \`branch\` to ${next}`];
  });
}

function newestCycle(cycles: readonly LifeCycle[], now: Date): string | undefined {
  const supported = cycles.filter(
    ({ endOfLife }) => typeof endOfLife === 'string' && Date.parse(endOfLife) > now.getTime(),
  );
  return supported.toSorted((a, b) => String(b.endOfLife).localeCompare(String(a.endOfLife)))[0]?.cycle;
}
