// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepWhatWorks } from './search.ts';

/** Gives a trial in which some sets break things: each set that holds all of one of `conflicts`. */
function trial(conflicts: readonly (readonly number[])[]) {
  const asked: number[][] = [];
  const tryOut = async (items: readonly number[]) => {
    asked.push([...items]);
    const broken = conflicts.find((conflict) => conflict.every((item) => items.includes(item)));
    return broken === undefined ? undefined : `broken by ${broken.join(' and ')}`;
  };
  return { asked, tryOut };
}

describe('the search for what works', () => {
  it('asks once where all works', async () => {
    const { asked, tryOut } = trial([]);
    expect(await keepWhatWorks([1, 2, 3], tryOut)).toEqual({ kept: [1, 2, 3], dropped: [] });
    expect(asked).toHaveLength(1);
  });

  it('drops the one that breaks, with its fault, in few trials', async () => {
    const items = Array.from({ length: 16 }, (_, index) => index);
    const { asked, tryOut } = trial([[11]]);
    const { kept, dropped } = await keepWhatWorks(items, tryOut);
    expect(kept).toEqual(items.filter((item) => item !== 11));
    expect(dropped).toEqual([{ item: 11, fault: 'broken by 11' }]);
    expect(asked.length).toBeLessThanOrEqual(9);
  });

  it('drops one of two that do not go together', async () => {
    const { tryOut } = trial([[1, 4]]);
    expect((await keepWhatWorks([1, 2, 3, 4], tryOut)).kept).toEqual([1, 2, 3]);
  });

  it('does not ask again what the caller knows to fail', async () => {
    const { asked, tryOut } = trial([[1]]);
    expect(await keepWhatWorks([1], tryOut, 'known')).toEqual({ kept: [], dropped: [{ item: 1, fault: 'known' }] });
    expect(asked).toEqual([]);
  });

  it('keeps a set that works, and to which nothing that was dropped can be added', async () => {
    const conflict = fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(conflict, { maxLength: 4 }), async (conflicts) => {
        const { tryOut } = trial(conflicts);
        const { kept, dropped } = await keepWhatWorks([0, 1, 2, 3, 4, 5, 6, 7], tryOut);
        expect(await tryOut(kept)).toBeUndefined();
        expect([...kept, ...dropped.map((one) => one.item)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
        for (const { item } of dropped) expect(await tryOut([...kept, item])).toBeDefined();
      }),
    );
  });
});
