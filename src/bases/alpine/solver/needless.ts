// SPDX-License-Identifier: Apache-2.0
import type { Need, Rules } from './needs.ts';

/** Gives the first need of some variables that none of them meets as apk would have it. */
export function findUnmet(chosen: ReadonlySet<number>, rules: Rules): Need | undefined {
  const needs = [...chosen].flatMap((one) => rules.needsOf(one));
  const named = new Set(needs.map(({ origin }) => origin.dependency.name));
  return needs.find((need) => !isMet(need, chosen, (name) => named.has(name), rules));
}

/** A package that provides a name without version or priority counts only where something names the package itself. */
function isMet(
  { origin: { dependency, providers } }: Need,
  chosen: ReadonlySet<number>,
  isNamed: (name: string) => boolean,
  rules: Rules,
): boolean {
  return providers.some(
    (one) => chosen.has(one) && (rules.isTakenFor(dependency.name, one) || isNamed(rules.nameOf(one))),
  );
}

/**
 * Takes variables that meet each other's needs, 1 among them, in the order in which they were chosen; gives those that stay when whatever
 * the rest can do without is left out, the last chosen first. No smaller set within them meets all needs.
 */
export function withoutNeedless(chosen: readonly number[], rules: Rules): readonly number[] {
  const namers = new Map<string, number[]>();
  for (const one of chosen) {
    for (const { origin } of rules.needsOf(one)) {
      const { name } = origin.dependency;
      const known = namers.get(name);
      if (known === undefined) namers.set(name, [one]);
      else known.push(one);
    }
  }
  let kept: ReadonlySet<number> = new Set(chosen);
  for (const one of chosen.toReversed()) {
    if (one !== 1 && kept.has(one)) kept = without(one, { kept, namers, rules }) ?? kept;
  }
  return chosen.filter((one) => kept.has(one));
}

/** Leaves one out, and then whatever lacks something by that; undefined where that reaches the base's own list. */
function without(
  one: number,
  state: {
    readonly kept: ReadonlySet<number>;
    readonly namers: ReadonlyMap<string, readonly number[]>;
    readonly rules: Rules;
  },
): ReadonlySet<number> | undefined {
  const { namers, rules } = state;
  const left = new Set(state.kept);
  left.delete(one);
  const isNamed = (name: string) => namers.get(name)?.some((owner) => left.has(owner)) === true;
  for (let changed = true; changed; ) {
    changed = false;
    for (const owner of left) {
      if (rules.needsOf(owner).every((need) => isMet(need, left, isNamed, rules))) continue;
      if (owner === 1) return undefined;
      left.delete(owner);
      changed = true;
    }
  }
  return left;
}
