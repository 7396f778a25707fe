// SPDX-License-Identifier: Apache-2.0
import type { Clause } from './clause.ts';
import type { Trail } from './trail.ts';

/** Clauses, each looked at only when one of two of its literals becomes false ("two watched literals", Chaff, 2001). */
export interface Watched<Origin> {
  /** Takes a clause up and draws what follows from it now; gives a clause that can't hold, if there is one. */
  readonly add: (clause: Clause<Origin>) => Clause<Origin> | undefined;
  /** Visits the clauses that watched a literal which is false now; gives the first that can't hold. */
  readonly visit: (falsified: number) => Clause<Origin> | undefined;
}

/** Makes a set of clauses over the values of a trail. */
export function watchClauses<Origin>(trail: Trail<Origin>): Watched<Origin> {
  const { assign, levelOf, valueOf } = trail;
  const watches = new Map<number, Clause<Origin>[]>();

  function watch(literal: number, clause: Clause<Origin>): void {
    const list = watches.get(literal);
    if (list === undefined) watches.set(literal, [clause]);
    else list.push(clause);
  }

  /** Has another literal of a clause watched in place of one that became false; says whether there is one that may yet hold. */
  function moveWatch(clause: Clause<Origin>, falsified: number): boolean {
    const { literals } = clause;
    if (literals[0] === falsified) [literals[0], literals[1]] = [literals[1] as number, falsified];
    if (valueOf(literals[0] as number) > 0) return false;
    const other = literals.findIndex((literal, at) => at > 1 && valueOf(literal) >= 0);
    if (other === -1) return false;
    [literals[1], literals[other]] = [literals[other] as number, falsified];
    watch(literals[1], clause);
    return true;
  }

  return {
    /** The two literals that are false last, if at all, stand first and are watched. */
    add(clause) {
      const { literals } = clause;
      const rank = (literal: number) => (valueOf(literal) >= 0 ? Infinity : levelOf(literal));
      literals.sort((a, b) => rank(b) - rank(a) || 0);
      const [first, second] = literals;
      if (first === undefined) return clause;
      if (second !== undefined) for (const literal of [first, second]) watch(literal, clause);
      if (valueOf(first) < 0) return clause;
      return second === undefined || valueOf(second) < 0 ? assign(first, clause) : undefined;
    },
    visit(falsified) {
      const list = watches.get(falsified);
      if (list === undefined) return undefined;
      let kept = 0;
      for (const [index, clause] of list.entries()) {
        if (moveWatch(clause, falsified)) continue;
        list[kept++] = clause;
        const first = clause.literals[0] as number;
        const conflict = valueOf(first) > 0 ? undefined : assign(first, clause);
        if (conflict === undefined) continue;
        list.splice(kept, index + 1 - kept); // the rest stays as it is
        return conflict;
      }
      list.length = kept;
      return undefined;
    },
  };
}
