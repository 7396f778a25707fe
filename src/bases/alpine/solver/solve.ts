// SPDX-License-Identifier: Apache-2.0
import type { ApkDependency } from '#formats';
import { BaseError } from '../../error.ts';
import { type Candidate, createCatalog, type Shelf } from './catalog.ts';
import { explain, explainChoice } from './explain.ts';
import { inInstallOrder } from './install-order.ts';
import { createRules, type Need, type Rules } from './needs.ts';
import { findUnmet, withoutNeedless } from './needless.ts';
import { type Outcome, search } from './search.ts';
import { discover, satisfies, type Universe } from './universe.ts';

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
  const universe = discover(world, catalog);
  const rules = createRules(universe);
  const first = findSet(universe, rules, []);
  if (first.kind === 'stuck') throw explainChoice(first.need, universe);
  if (first.kind !== 'solution') throw first.kind === 'exhausted' ? tooHard() : explain(first.core, universe);
  const needed = withoutNeedless(first.chosen, rules);
  return inInstallOrder(withSelfInstalling(needed, universe, rules), universe);
}

type Found = Outcome<Parameters<typeof explain>[0][number]> | { readonly kind: 'stuck'; readonly need: Need };

function findSet(universe: Universe, rules: Rules, also: readonly number[]): Found {
  let stuck: Need | undefined;
  const outcome = search(
    {
      variables: universe.candidates.length - 1,
      clausesOf: function* (variable) {
        yield* rules.clausesOf(variable);
        if (variable === 1) for (const one of also) yield { literals: [one] };
      },
      rivalsOf: (variable) => rules.rivalsOf(variable),
      decide: (isTrue) => {
        const next = nextNeed(universe, rules, isTrue);
        stuck = next?.choice === undefined ? next?.need : undefined;
        return next?.choice;
      },
    },
    MAX_CONFLICTS,
  );
  if (outcome.kind !== 'solution') return outcome;
  const need = stuck ?? findUnmet(new Set(outcome.chosen), rules);
  return need === undefined ? outcome : { kind: 'stuck', need };
}

/** The open need that apk would turn to, and what it would take; a need that nothing is taken for by itself comes last. */
function nextNeed(universe: Universe, rules: Rules, isTrue: (variable: number) => boolean | undefined) {
  let next: { need: Need; choice: number | undefined } | undefined;
  for (let variable = 1; variable < universe.candidates.length; variable += 1) {
    if (isTrue(variable) !== true) continue;
    for (const need of rules.needsOf(variable)) {
      const { providers, dependency } = need.origin;
      if (next?.choice !== undefined && need.rank <= next.need.rank) continue;
      if (providers.some((one) => isTrue(one) === true)) continue;
      const open = providers.filter((one) => isTrue(one) === undefined);
      const choice = open.find((one) => rules.isTakenFor(dependency.name, one));
      if (next === undefined || choice !== undefined) next = { need, choice };
    }
  }
  return next;
}

/** Adds what has install_if, all of which is there, as long as something is added; what does not fit beside the rest stays out. */
function withSelfInstalling(needed: readonly number[], universe: Universe, rules: Rules): readonly number[] {
  const refused = new Set<number>();
  let chosen = needed;
  for (;;) {
    const wanted = triggered(chosen, universe, rules).filter((one) => !refused.has(one));
    if (wanted.length === 0) return chosen;
    const together = findSet(universe, rules, [...chosen.slice(1), ...wanted]);
    if (together.kind === 'solution') {
      chosen = together.chosen;
      continue;
    }
    for (const one of wanted) {
      const found = findSet(universe, rules, [...chosen.slice(1), one]);
      if (found.kind === 'solution') chosen = found.chosen;
      else refused.add(one);
    }
  }
}

function triggered(chosen: readonly number[], universe: Universe, rules: Rules): readonly number[] {
  const there = chosen.flatMap((one) => universe.candidates[one] ?? []);
  const names = new Set(there.map((one) => one.package.name));
  const provided = new Set(there.flatMap((one) => [...one.provides.keys()]));
  const holds = (condition: ApkDependency) =>
    provided.has(condition.name) && there.some((one) => satisfies(condition, one)) !== condition.conflict;
  const found = new Map<string, number>();
  for (const [variable, candidate] of universe.candidates.entries()) {
    if (candidate === undefined || candidate.installIf.length === 0 || names.has(candidate.package.name)) continue;
    if (!rules.isAllowed(variable) || candidate.installIf.some(({ broken }) => broken === true)) continue;
    const all = candidate.installIf.every((one) => (one.conflict && !provided.has(one.name)) || holds(one));
    if (all) found.set(candidate.package.name, bestOf(found.get(candidate.package.name), variable, universe));
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, variable]) => variable);
}

/** Providers of a name are sorted by version as text only, so versions of one that installs itself are compared. */
function bestOf(known: number | undefined, variable: number, universe: Universe): number {
  if (known === undefined) return variable;
  const name = universe.candidates[variable]?.package.name ?? '';
  const [need] = createRules({ ...universe, world: [{ name, conflict: false }] }).needsOf(1);
  return need?.origin.providers.find((one) => one === known || one === variable) ?? known;
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
