// SPDX-License-Identifier: Apache-2.0
import type { Advisory } from '../advisory.ts';

/** Distributions' ids for a flaw that has its own: `DEBIAN-CVE-2024-1` is CVE-2024-1 in Debian. */
const OF_DISTRIBUTION = /^(?:DEBIAN|ALPINE)-(?=[A-Z]+-)/;

/**
 * Gives every name that an advisory has: its id, its aliases and, for a distribution's record of one flaw, that flaw's id.
 * `related` names other flaws; so does `upstream` of an advisory that fixes several.
 */
export function namesOf(advisory: Advisory): readonly string[] {
  const own = OF_DISTRIBUTION.test(advisory.id) ? [advisory.id.replace(OF_DISTRIBUTION, ''), ...advisory.upstream] : [];
  return [...new Set([advisory.id, ...advisory.aliases, ...own])];
}

/** Takes advisories; gives those that are one flaw together: connected through any name, also through one that no advisory here has as its id. */
export function groupByAlias<T extends { readonly advisory: Advisory }>(all: readonly T[]): readonly (readonly T[])[] {
  const parents = new Map<string, string>();
  const rootOf = (name: string): string => {
    let root = name;
    for (let next = parents.get(root); next !== undefined && next !== root; next = parents.get(root)) root = next;
    for (let at = name; at !== root; ) {
      const next = parents.get(at) ?? root;
      parents.set(at, root);
      at = next;
    }
    return root;
  };
  for (const { advisory } of all) {
    const [first = advisory.id, ...others] = namesOf(advisory);
    for (const other of others) parents.set(rootOf(other), rootOf(first));
  }
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const root = rootOf(one.advisory.id);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [one]);
    else group.push(one);
  }
  return [...groups.values()];
}

/** The order in which a flaw's names stand: the one that a finding is called by comes first. */
const PREFERENCE = [/^GO-/, /^CVE-/, /^GHSA-/, /^(?!DEBIAN-|ALPINE-)/];

/** Gives all names of some advisories, the one that people look for first. */
export function sortedNames(advisories: readonly Advisory[]): readonly string[] {
  const rank = (name: string) => {
    const index = PREFERENCE.findIndex((pattern) => pattern.test(name));
    return index === -1 ? PREFERENCE.length : index;
  };
  return [...new Set(advisories.flatMap(namesOf))].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
