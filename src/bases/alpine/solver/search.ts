// SPDX-License-Identifier: Apache-2.0
import type { Clause } from './clause.ts';
import { coreOf, learnFrom } from './conflict.ts';
import { highestLevel, openTrail, type Trail } from './trail.ts';
import { watchClauses } from './watched.ts';

/** What is searched: told piece by piece, since most of an index never matters. */
export interface Problem<Origin> {
  /** Variables are 1 to this; variable 1 is true. */
  readonly variables: number;
  /** What follows from a variable being true; asked once for each. */
  clausesOf(variable: number): Iterable<Clause<Origin>>;
  /** Which variables can't be true with one, and why; asked each time that it becomes true. */
  rivalsOf(variable: number): Iterable<readonly [rival: number, origin: Origin]>;
  /** Gives the variable to try as true next, told what is true so far; undefined when nothing is left to be satisfied. */
  decide(isTrue: (variable: number) => boolean | undefined, chosen: readonly number[]): number | undefined;
}

/** True variables in the order in which they became so; or the origins from which it follows that there is no solution. */
export type Outcome<Origin> =
  | { readonly kind: 'solution'; readonly chosen: readonly number[] }
  | { readonly kind: 'contradiction'; readonly core: readonly Origin[] }
  | { readonly kind: 'exhausted' };

/**
 * Finds values for the variables such that all clauses hold, by conflict-driven clause learning: propagate what follows, decide, and on
 * a conflict learn its reason and go back. What is never decided nor follows stays false. Gives up as `exhausted` after `maxConflicts`.
 */
export function search<Origin>(problem: Problem<Origin>, maxConflicts: number): Outcome<Origin> {
  const trail = openTrail<Origin>(problem.variables);
  const { add, propagate } = createPropagation(problem, trail);
  const isTrue = (variable: number) => (trail.valueOf(variable) === 0 ? undefined : trail.valueOf(variable) === 1);
  const chosen = () => trail.literals.filter((literal) => literal > 0);
  let conflict = trail.assign(1, undefined) ?? propagate();
  for (let conflicts = 0; ; ) {
    if (conflict !== undefined) {
      conflicts += 1;
      const level = highestLevel(conflict.literals, trail);
      trail.undo(level);
      if (level === 0) return { kind: 'contradiction', core: coreOf(conflict, trail) };
      if (conflicts > maxConflicts) return { kind: 'exhausted' };
      const learned = learnFrom(conflict, trail);
      trail.undo(highestLevel(learned.literals.slice(1), trail));
      conflict = add(learned) ?? propagate();
      continue;
    }
    const next = problem.decide(isTrue, chosen());
    if (next === undefined) return { kind: 'solution', chosen: chosen() };
    trail.open();
    conflict = trail.assign(next, undefined) ?? propagate();
  }
}

function createPropagation<Origin>(problem: Problem<Origin>, trail: Trail<Origin>) {
  const { add, visit } = watchClauses(trail);
  const expanded = new Uint8Array(problem.variables + 1);

  /** Asks what follows from a variable that has become true. */
  function expand(variable: number): Clause<Origin> | undefined {
    if (expanded[variable] === 0) {
      expanded[variable] = 1;
      for (const clause of problem.clausesOf(variable)) {
        const conflict = add(clause);
        if (conflict === undefined) continue;
        expanded[variable] = 0; // the rest is asked for again; clauses twice do no harm
        return conflict;
      }
    }
    for (const [rival, origin] of problem.rivalsOf(variable)) {
      const conflict = trail.assign(-rival, { literals: [-rival, -variable], origin });
      if (conflict !== undefined) return conflict;
    }
    return undefined;
  }

  /** Draws all that follows from what is true; gives the first clause that can't hold. */
  function propagate(): Clause<Origin> | undefined {
    for (let literal = trail.next(); literal !== undefined; literal = trail.next()) {
      const conflict = visit(-literal) ?? (literal > 0 ? expand(literal) : undefined);
      if (conflict !== undefined) return conflict;
      trail.advance();
    }
    return undefined;
  }

  return { add, propagate };
}
