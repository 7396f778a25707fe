// SPDX-License-Identifier: Apache-2.0
import type { Clause } from './clause.ts';
import type { Trail } from './trail.ts';

/**
 * Resolves a conflict of the trail's last level with the reasons for it, up to the first literal that all ways lead through; gives the
 * clause that follows. The negation of that literal stands first, the others are of lower levels.
 */
export function learnFrom<Origin>(conflict: Clause<Origin>, trail: Trail<Origin>): Clause<Origin> {
  const now = trail.level();
  const seen = new Set<number>();
  const kept: number[] = [];
  const from = [conflict];
  let open = 0;
  const take = (clause: Clause<Origin>) => {
    for (const literal of clause.literals) {
      const variable = Math.abs(literal);
      if (seen.has(variable)) continue;
      seen.add(variable);
      const level = trail.levelOf(literal);
      const reason = level === 0 ? trail.reasonOf(variable) : undefined;
      if (level === now) open += 1;
      else if (level > 0) kept.push(literal);
      else if (reason !== undefined) from.push(reason); // it has its value for good
    }
  };
  take(conflict);
  let pivot = 0;
  for (let at = trail.literals.length - 1; at >= 0; at -= 1) {
    pivot = trail.literals[at] as number;
    if (!seen.has(Math.abs(pivot)) || trail.levelOf(pivot) !== now) continue;
    open -= 1;
    if (open === 0) break;
    const reason = trail.reasonOf(Math.abs(pivot)) as Clause<Origin>;
    from.push(reason);
    take(reason);
  }
  return { literals: [-pivot, ...kept], from };
}

/** Gives the origins that a conflict without decisions follows from, the first asked for first. */
export function coreOf<Origin>(conflict: Clause<Origin>, { reasonOf }: Trail<Origin>): readonly Origin[] {
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
