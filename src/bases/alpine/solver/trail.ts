// SPDX-License-Identifier: Apache-2.0
import type { Clause } from './clause.ts';

/** The literals that are true so far, in the order in which they became so, each at the level of a decision, and why. */
export interface Trail<Origin> {
  readonly literals: readonly number[];
  /** 1 for true, -1 for false, 0 for neither yet. */
  readonly valueOf: (literal: number) => number;
  readonly levelOf: (literal: number) => number;
  /** The clause that gave a variable its value; undefined for a decision. */
  readonly reasonOf: (variable: number) => Clause<Origin> | undefined;
  /** How many decisions stand. */
  readonly level: () => number;
  /** Makes a literal true; gives the clause that forbids it, if one does. */
  readonly assign: (literal: number, reason: Clause<Origin> | undefined) => Clause<Origin> | undefined;
  /** Begins a level. */
  readonly open: () => void;
  /** Takes back all above a level. */
  readonly undo: (level: number) => void;
  /** Goes through the literals in order: `next` is the first whose consequences are not drawn, `advance` passes it. */
  readonly next: () => number | undefined;
  readonly advance: () => void;
}

/** Makes a trail on which nothing is true, of variables from 1 to `variables`. */
export function openTrail<Origin>(variables: number): Trail<Origin> {
  const values = new Int8Array(variables + 1);
  const levels = new Int32Array(variables + 1);
  const reasons: (Clause<Origin> | undefined)[] = Array.from({ length: variables + 1 });
  const literals: number[] = [];
  const starts: number[] = [];
  let head = 0;
  const valueOf = (literal: number) => (literal > 0 ? (values[literal] as number) : -(values[-literal] as number));
  return {
    literals,
    valueOf,
    levelOf: (literal) => levels[Math.abs(literal)] as number,
    reasonOf: (variable) => reasons[variable],
    level: () => starts.length,
    assign(literal, reason) {
      const value = valueOf(literal);
      if (value !== 0) return value > 0 ? undefined : reason;
      const variable = Math.abs(literal);
      values[variable] = literal > 0 ? 1 : -1;
      levels[variable] = starts.length;
      reasons[variable] = reason;
      literals.push(literal);
      return undefined;
    },
    open: () => void starts.push(literals.length),
    undo(level) {
      const end = starts[level];
      if (end === undefined) return;
      for (const literal of literals.splice(end)) {
        values[Math.abs(literal)] = 0;
        reasons[Math.abs(literal)] = undefined;
      }
      starts.length = level;
      head = Math.min(head, end);
    },
    next: () => literals[head],
    advance: () => void (head += 1),
  };
}

/** Gives the highest level of literals that all have a value; 0 for none. */
export function highestLevel<Origin>(literals: readonly number[], trail: Trail<Origin>): number {
  return literals.reduce((most, literal) => Math.max(most, trail.levelOf(literal)), 0);
}
