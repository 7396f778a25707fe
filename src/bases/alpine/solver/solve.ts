// SPDX-License-Identifier: Apache-2.0
import type { ApkDependency } from '#formats';
import { BaseError } from '../../error.ts';
import { type Candidate, createCatalog, type Shelf } from './catalog.ts';
import { explain, explainChoice } from './explain.ts';
import { inInstallOrder } from './install-order.ts';
import { keepNeeded } from './keep.ts';
import { createRules, type Origin, type Rules } from './needs.ts';
import { type Outcome, search } from './search.ts';
import { discover, sortedWorld, type Universe } from './universe.ts';

/** Wrong turns until the search gives up; Alpine's own repositories need a few dozen at most. */
const MAX_CONFLICTS = 20_000;

/**
 * Finds the packages that a list needs, in the order in which apk installs them: for each name the best that fits all (of the right tag,
 * newest, greatest provider priority, earliest repository), nothing that nobody needs, and what installs itself beside those. The same
 * repositories and list give the same answer in whatever order they are told. Throws `BASE_UNSATISFIABLE` with the chain of reasons,
 * `BASE_PACKAGE_UNKNOWN` where the list itself names what no repository has.
 */
export function solve(world: readonly ApkDependency[], shelves: readonly Shelf[]): readonly Candidate[] {
  const catalog = createCatalog(shelves);
  checkKnown(world, (name) => catalog.providersOf(name).length > 0);
  const universe = discover(sortedWorld(world), catalog);
  let rules = createRules(universe);
  for (;;) {
    const needed = findNeeded(universe, rules);
    const vain = findVain(needed, universe, rules);
    if (vain.length === 0) return inInstallOrder(needed, universe);
    rules = { ...rules, selfInstalling: rules.selfInstalling.filter((one) => !vain.includes(one)) };
  }
}

function findNeeded(universe: Universe, rules: Rules): readonly number[] {
  const found = findSet(universe, rules);
  if (found.kind === 'exhausted') throw tooHard();
  if (found.kind === 'contradiction') throw explain(found.core, universe);
  const needed = keepNeeded(found.chosen, rules);
  if ('stuck' in needed) throw explainChoice(needed.stuck, universe);
  return needed;
}

/** What installs itself while something is absent may bring just that: then it must not, and all is looked for once more without that. */
function findVain(needed: readonly number[], { candidates }: Universe, rules: Rules): readonly number[] {
  const there = new Set(needed);
  return rules.selfInstalling.filter((one) => {
    const excludes = candidates[one]?.installIf.some(({ conflict }) => conflict) === true;
    return excludes && there.has(one) && !rules.isTriggered(one, (other) => there.has(other));
  });
}

function findSet(universe: Universe, rules: Rules): Outcome<Origin> {
  return search(
    {
      variables: universe.candidates.length - 1,
      clausesOf: (variable) => rules.clausesOf(variable),
      rivalsOf: (variable) => rules.rivalsOf(variable),
      decide: (isTrue, chosen) => nextChoice(universe, rules, { isTrue, chosen }),
    },
    MAX_CONFLICTS,
  );
}

interface State {
  readonly isTrue: (variable: number) => boolean | undefined;
  readonly chosen: readonly number[];
}

/**
 * Gives what apk would take next: for the open need whose name it turns to first the best provider that is left, or a package that installs
 * itself beside what is there. What only excludes others is looked at when nothing else is left. Needs that nothing is taken for by itself wait.
 */
function nextChoice(universe: Universe, rules: Rules, { isTrue, chosen }: State): number | undefined {
  let next: { rank: number; choice: number } | undefined;
  for (const variable of chosen) {
    for (const { rank, origin } of rules.needsOf(variable)) {
      if (next !== undefined && rank <= next.rank) continue;
      if (origin.providers.some((one) => isTrue(one) === true)) continue;
      const { name } = origin.dependency;
      const choice = origin.providers.find((one) => isTrue(one) === undefined && rules.isTakenFor(name, one));
      if (choice !== undefined) next = { rank, choice };
    }
  }
  const isThere = (variable: number) => isTrue(variable) === true;
  for (const choice of rules.selfInstalling) {
    const excludes = universe.candidates[choice]?.installIf.some(({ conflict }) => conflict) === true;
    const rank = excludes ? -1 : universe.rankOf(rules.nameOf(choice));
    if (next !== undefined && rank <= next.rank) continue;
    if (isTrue(choice) === undefined && rules.isTriggered(choice, isThere)) next = { rank, choice };
  }
  return next?.choice;
}

function checkKnown(world: readonly ApkDependency[], isKnown: (name: string) => boolean): void {
  const missing = world.filter(({ name, conflict }) => !conflict && !isKnown(name)).map(({ name }) => name);
  if (missing.length === 0) return;
  throw new BaseError('BASE_PACKAGE_UNKNOWN', `the repositories have no package ${[...new Set(missing)].join(', ')}`, {
    hint: 'Check the names under `packages` of the base in the definition, and its `repositories`.',
  });
}

function tooHard(): BaseError {
  return new BaseError('BASE_UNSATISFIABLE', `no fitting set of packages was found in ${MAX_CONFLICTS} attempts`, {
    hint: 'Name versions or providers under `packages` of the base, so that fewer combinations are left.',
  });
}
