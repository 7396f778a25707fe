// SPDX-License-Identifier: Apache-2.0
import type { Need, Rules } from './needs.ts';

/**
 * Takes the variables that a search made true; gives those that something needs, in their order, 1 among them: of each need its best
 * provider that is there, and what installs itself beside those. Or the need that nothing meets but packages which apk takes for it only
 * when they are there for another reason.
 */
export function keepNeeded(chosen: readonly number[], rules: Rules): readonly number[] | { readonly stuck: Need } {
  const there = new Set(chosen);
  const kept = new Set([1]);
  const pending = [1];
  const later: Need[] = [];
  const keep = (one: number) => {
    if (kept.has(one)) return;
    kept.add(one);
    pending.push(one);
  };
  const isKept = (one: number) => kept.has(one);
  for (;;) {
    for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
      for (const need of rules.needsOf(one)) {
        const { providers, dependency } = need.origin;
        const best = providers.find((provider) => there.has(provider) && rules.isTakenFor(dependency.name, provider));
        if (best === undefined) later.push(need);
        else keep(best);
      }
    }
    for (const one of rules.selfInstalling) if (there.has(one) && rules.isTriggered(one, isKept)) keep(one);
    if (pending.length === 0) break;
  }
  const stuck = later.find(({ origin }) => !origin.providers.some(isKept));
  return stuck === undefined ? chosen.filter(isKept) : { stuck };
}
