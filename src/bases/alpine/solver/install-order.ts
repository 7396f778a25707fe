// SPDX-License-Identifier: Apache-2.0
import type { Candidate } from './catalog.ts';
import { runDeep } from './run-deep.ts';
import { satisfies, type Universe } from './universe.ts';

/**
 * Puts packages in apk's order: by the list's names, what one needs before it, and what installs itself as soon as all that it waits for is on its way.
 */
export function inInstallOrder(
  chosen: readonly number[],
  { world, candidates, catalog }: Universe,
): readonly Candidate[] {
  const there = chosen.flatMap((one) => candidates[one] ?? []);
  const byName = new Map<string, Candidate[]>();
  for (const one of there) {
    for (const name of one.provides.keys()) byName.set(name, [...(byName.get(name) ?? []), one]);
  }
  const begun = new Set<Candidate>();
  const order: Candidate[] = [];

  function* place(one: Candidate): Generator<Generator, void, undefined> {
    if (begun.has(one)) return;
    begun.add(one);
    for (const dependency of one.depends) {
      if (dependency.conflict) continue;
      for (const other of byName.get(dependency.name) ?? []) if (satisfies(dependency, other)) yield place(other);
    }
    order.push(one);
    for (const provided of one.provides.keys()) {
      for (const name of catalog.installedBy(provided)) {
        for (const other of byName.get(name) ?? []) if (waitsForNothing(other)) yield place(other);
      }
    }
  }

  function waitsForNothing(one: Candidate): boolean {
    return one.installIf.every(
      (condition) =>
        condition.conflict ||
        (byName.get(condition.name) ?? []).some((other) => begun.has(other) && satisfies(condition, other)),
    );
  }

  for (const dependency of world) {
    for (const one of byName.get(dependency.name) ?? []) {
      if (!dependency.conflict && satisfies(dependency, one)) runDeep(place(one));
    }
  }
  for (const one of there) runDeep(place(one)); // none is left, but for what installs itself in a circle
  return order;
}
