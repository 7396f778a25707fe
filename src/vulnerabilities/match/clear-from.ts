// SPDX-License-Identifier: Apache-2.0
import { type Advisory, type Affected, toAdvisory } from '../advisory.ts';
import { orderOf, type VersionOrder } from './version-order.ts';

/**
 * Takes an advisory in OSV JSON; gives for each package of an ecosystem that it names the version from which on it says nothing of the
 * package: neither affected nor unknown. A package without one is left out, so nothing is said of a broken advisory.
 */
export function clearFrom(value: unknown, ecosystem: string): ReadonlyMap<string, string> {
  const order = orderOf(ecosystem);
  const advisory = order === undefined ? undefined : readAdvisory(value);
  if (order === undefined || advisory === undefined) return new Map();
  const own = advisory.affected.filter((entry) => entry.ecosystem === ecosystem);
  return new Map(
    [...Map.groupBy(own, ({ name }) => name)].flatMap(([name, entries]) => {
      const highest = latest(entries.map(endOf), order);
      return highest === undefined ? [] : [[name, highest] as const];
    }),
  );
}

/** Gives the latest of some versions; undefined where one of them is, or where there is none. */
export function latest(versions: readonly (string | undefined)[], order: VersionOrder): string | undefined {
  const later = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined ? undefined : order.compare(a, b) < 0 ? b : a;
  return versions.reduce(later, versions[0]);
}

/** The order of an entry's own ranges: the last event of each must be a fix, and no version may be listed beside them. */
function endOf({ ecosystem, ranges, versions, faults }: Affected): string | undefined {
  const order = orderOf(ecosystem);
  if (order === undefined || ranges.length === 0 || versions.length > 0 || faults.length > 0) return undefined;
  const ends = ranges.map(({ events }) => {
    const last = events.findLast(({ kind }) => kind !== 'limit');
    return last?.kind === 'fixed' ? last.version : undefined;
  });
  return latest(ends, order);
}

function readAdvisory(value: unknown): Advisory | undefined {
  try {
    return toAdvisory(value);
  } catch {
    return undefined; // whoever reads it hears of it
  }
}
