// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Definition } from '#definition';
import { baseEnds } from './base-ends.ts';

const CYCLES = [
  { cycle: '3.23', endOfLife: '2027-11-01' },
  { cycle: '3.22', endOfLife: '2027-05-01' },
  { cycle: '3.9', endOfLife: '2020-11-01' },
];

function basesOf(branch: string): Definition['bases'] {
  const base = { kind: 'alpine', branch, repositories: ['main'], packages: ['git'], maxAgeDays: 200 } as const;
  return { standard: base as unknown as Definition['bases'][string] };
}

const at = (day: string) => new Date(`${day}T00:00:00Z`);

describe('the warning of an end of a base', () => {
  it('comes 90 days ahead, with the day, the days left and the branch to go to', () => {
    expect(baseEnds(basesOf('v3.22'), CYCLES, at('2027-01-31'))).toEqual([
      'Alpine v3.22 of base standard comes to its end on 2027-05-01, in 90 days: no fixes come after that; set `branch` to v3.23',
    ]);
  });

  it('does not come 91 days ahead, nor for edge, which never ends', () => {
    expect(baseEnds(basesOf('v3.22'), CYCLES, at('2027-01-30'))).toEqual([]);
    expect(baseEnds(basesOf('edge'), CYCLES, at('2027-01-30'))).toEqual([]);
  });

  it('stays when the branch is past its end', () => {
    expect(baseEnds(basesOf('v3.9'), CYCLES, at('2027-01-30'))[0]).toContain('has been past its end since 2020-11-01');
  });

  it('is silent where nothing is known of the branch', () => {
    expect(baseEnds(basesOf('v3.99'), CYCLES, at('2027-01-30'))).toEqual([]);
    expect(baseEnds(basesOf('v3.22'), [], at('2027-04-30'))).toEqual([]);
  });
});
