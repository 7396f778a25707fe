// SPDX-License-Identifier: Apache-2.0

/** A disjunction of literals: `v` is "variable v is true", `-v` that it is false. Variables count from 1. */
export interface Clause<Origin> {
  readonly literals: number[];
  /** Why it holds; learned clauses have none, but those that they follow from. */
  readonly origin?: Origin;
  readonly from?: readonly Clause<Origin>[];
}

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
  const state = createState(problem);
  let conflict = state.assign(1, undefined) ?? state.propagate();
  for (let conflicts = 0; ; ) {
    if (conflict !== undefined) {
      conflicts += 1;
      const level = state.backTo(conflict);
      if (level === 0) return { kind: 'contradiction', core: coreOf(conflict, state.reasonOf) };
      if (conflicts > maxConflicts) return { kind: 'exhausted' };
      conflict = state.learn(conflict) ?? state.propagate();
      continue;
    }
    const next = problem.decide(state.isTrue, state.chosen());
    if (next === undefined) return { kind: 'solution', chosen: state.chosen() };
    state.open();
    conflict = state.assign(next, undefined) ?? state.propagate();
  }
}

function createState<Origin>(problem: Problem<Origin>) {
  type One = Clause<Origin>;
  const size = problem.variables + 1;
  const values = new Int8Array(size);
  const levels = new Int32Array(size);
  const reasons: (One | undefined)[] = Array.from({ length: size });
  const expanded = new Uint8Array(size);
  const watches = new Map<number, One[]>();
  const trail: number[] = [];
  const starts: number[] = [];
  let head = 0;

  const valueOf = (literal: number) => (literal > 0 ? (values[literal] as number) : -(values[-literal] as number));
  const levelOf = (literal: number) => levels[Math.abs(literal)] as number;

  /** Makes a literal true; gives the clause that forbids it, if one does. */
  function assign(literal: number, reason: One | undefined): One | undefined {
    const value = valueOf(literal);
    if (value !== 0) return value > 0 ? undefined : reason;
    const variable = Math.abs(literal);
    values[variable] = literal > 0 ? 1 : -1;
    levels[variable] = starts.length;
    reasons[variable] = reason;
    trail.push(literal);
    return undefined;
  }

  function watch(literal: number, clause: One): void {
    const list = watches.get(literal);
    if (list === undefined) watches.set(literal, [clause]);
    else list.push(clause);
  }

  /** Takes a clause up; the two literals that are false last, if at all, stand first and are watched. */
  function add(clause: One): One | undefined {
    const { literals } = clause;
    const rank = (literal: number) => (valueOf(literal) >= 0 ? Infinity : levelOf(literal));
    literals.sort((a, b) => rank(b) - rank(a) || 0);
    const [first, second] = literals;
    if (first === undefined) return clause;
    if (second !== undefined) for (const literal of [first, second]) watch(literal, clause);
    if (valueOf(first) < 0) return clause;
    return second === undefined || valueOf(second) < 0 ? assign(first, clause) : undefined;
  }

  function expand(variable: number): One | undefined {
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
      const conflict = assign(-rival, { literals: [-rival, -variable], origin });
      if (conflict !== undefined) return conflict;
    }
    return undefined;
  }

  /** Visits the clauses that watched a literal which is false now. */
  function visit(falsified: number): One | undefined {
    const list = watches.get(falsified);
    if (list === undefined) return undefined;
    let kept = 0;
    for (let index = 0; index < list.length; index += 1) {
      const clause = list[index] as One;
      const { literals } = clause;
      if (literals[0] === falsified) [literals[0], literals[1]] = [literals[1] as number, falsified];
      const other = literals.findIndex((literal, at) => at > 1 && valueOf(literal) >= 0);
      if (valueOf(literals[0] as number) <= 0 && other !== -1) {
        [literals[1], literals[other]] = [literals[other] as number, falsified];
        watch(literals[1], clause);
        continue;
      }
      list[kept++] = clause;
      const conflict = valueOf(literals[0] as number) > 0 ? undefined : assign(literals[0] as number, clause);
      if (conflict === undefined) continue;
      for (index += 1; index < list.length; index += 1) list[kept++] = list[index] as One;
      list.length = kept;
      return conflict;
    }
    list.length = kept;
    return undefined;
  }

  function propagate(): One | undefined {
    for (; head < trail.length; head += 1) {
      const literal = trail[head] as number;
      const conflict = visit(-literal) ?? (literal > 0 ? expand(literal) : undefined);
      if (conflict !== undefined) return conflict;
    }
    return undefined;
  }

  function undo(level: number): void {
    const end = starts[level];
    if (end === undefined) return;
    for (const literal of trail.splice(end)) {
      values[Math.abs(literal)] = 0;
      reasons[Math.abs(literal)] = undefined;
    }
    starts.length = level;
    head = Math.min(head, end);
  }

  return {
    assign,
    propagate,
    open: () => starts.push(trail.length),
    isTrue: (variable: number) => (values[variable] === 0 ? undefined : values[variable] === 1),
    chosen: () => trail.filter((literal) => literal > 0),
    reasonOf: (variable: number) => reasons[variable],
    /** Goes back to the level at which a conflict arose, and gives it. */
    backTo(conflict: One): number {
      const level = conflict.literals.reduce((most, literal) => Math.max(most, levelOf(literal)), 0);
      undo(level);
      return level;
    },
    /** Resolves a conflict with the reasons for it up to the first point that all ways lead through, and takes the result up. */
    learn(conflict: One): One | undefined {
      const now = starts.length;
      const seen = new Set<number>();
      const kept: number[] = [];
      const from: One[] = [conflict];
      let open = 0;
      const take = (clause: One) => {
        for (const literal of clause.literals) {
          const variable = Math.abs(literal);
          if (seen.has(variable)) continue;
          seen.add(variable);
          if (levels[variable] === now) open += 1;
          else if (levels[variable] === 0) from.push(...zeroReasons(variable, reasons));
          else kept.push(literal);
        }
      };
      take(conflict);
      let pivot = 0;
      for (let at = trail.length - 1; at >= 0; at -= 1) {
        pivot = trail[at] as number;
        if (!seen.has(Math.abs(pivot)) || levelOf(pivot) !== now) continue;
        open -= 1;
        if (open === 0) break;
        const reason = reasons[Math.abs(pivot)] as One;
        from.push(reason);
        take(reason);
      }
      undo(kept.reduce((most, literal) => Math.max(most, levelOf(literal)), 0));
      return add({ literals: [-pivot, ...kept], from });
    },
  };
}

/** The clauses by which a variable of the lowest level has its value for good. */
function zeroReasons<Origin>(variable: number, reasons: readonly (Clause<Origin> | undefined)[]): Clause<Origin>[] {
  const reason = reasons[variable];
  return reason === undefined ? [] : [reason];
}

/** Gives the origins that a conflict without decisions follows from, the first asked for first. */
function coreOf<Origin>(
  conflict: Clause<Origin>,
  reasonOf: (variable: number) => Clause<Origin> | undefined,
): readonly Origin[] {
  const seen = new Set<Clause<Origin>>();
  const origins = new Set<Origin>();
  const pending = [conflict];
  for (let clause = pending.pop(); clause !== undefined; clause = pending.pop()) {
    if (seen.has(clause)) continue;
    seen.add(clause);
    if (clause.origin !== undefined) origins.add(clause.origin);
    pending.push(...(clause.from ?? []));
    for (const literal of clause.literals) {
      const reason = reasonOf(Math.abs(literal));
      if (reason !== undefined) pending.push(reason);
    }
  }
  return [...origins];
}
