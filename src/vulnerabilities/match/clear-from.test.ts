// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, toAdvisory, versionOrder } from '#vulnerabilities';
import { clearFrom } from './clear-from.ts';

const order = versionOrder('go');
const version = fc
  .tuple(fc.nat(2), fc.nat(2), fc.constantFrom('', '-rc.1', '-0', '+incompatible'))
  .map(([major, minor, rest]) => `${major}.${minor}.0${rest}`);

/** Ranges of any kind: some that make sense, some that can't be. */
const event = fc.tuple(
  fc.constantFrom('introduced', 'introduced', 'fixed', 'fixed', 'last_affected', 'limit'),
  fc.oneof(version, fc.constantFrom('0', '*', 'one')),
);
const range = fc.record({
  type: fc.constantFrom('SEMVER', 'SEMVER', 'SEMVER', 'GIT', 'ODD'),
  events: fc.array(event, { maxLength: 4 }).map((events) => events.map(([kind, at]) => ({ [kind]: at }))),
});
const closed = fc.tuple(version, version).map(([a, b]) => ({
  type: 'SEMVER',
  events: order.compare(a, b) < 0 ? [{ introduced: a }, { fixed: b }] : [{ introduced: '0' }, { fixed: a }],
}));
const entry = fc.record({
  package: fc.record({ ecosystem: fc.constantFrom('Go', 'Go', 'npm'), name: fc.constantFrom('a', 'b') }),
  ranges: fc.oneof(fc.array(closed, { minLength: 1, maxLength: 3 }), fc.array(range, { maxLength: 2 })),
  versions: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(version) }),
});
const advisory = fc.array(entry, { minLength: 1, maxLength: 3 }).map((affected) => ({ id: 'X-1', affected }));

const of = (events: readonly object[], more: object = {}) =>
  clearFrom(
    {
      id: 'X-1',
      affected: [{ package: { ecosystem: 'Go', name: 'a' }, ranges: [{ type: 'SEMVER', events }], ...more }],
    },
    'Go',
  ).get('a');

describe('the version from which on an advisory says nothing of a package', () => {
  test('is such that the advisory says so of that version and every later one', () => {
    let known = 0;
    fc.assert(
      fc.property(advisory, fc.array(version, { minLength: 1, maxLength: 20 }), (value, versions) => {
        for (const [name, from] of clearFrom(value, 'Go')) {
          known += 1;
          const entries = toAdvisory(value).affected.filter((one) => one.ecosystem === 'Go' && one.name === name);
          const clear = [from, ...versions].filter((one) => order.compare(one, from) >= 0);
          const kinds = clear.flatMap((one) => entries.map((affected) => evaluate(affected, one).kind));
          expect(new Set(kinds)).toEqual(new Set(['unaffected']));
        }
      }),
      { numRuns: 3000 },
    );
    expect(known).toBeGreaterThan(500);
  });

  test('is the highest fix', () => {
    expect(of([{ introduced: '0' }, { fixed: '1.2.0' }, { introduced: '2.0.0' }, { fixed: '2.1.0' }])).toBe('2.1.0');
    expect(of([{ fixed: '1.10.0' }, { introduced: '0' }])).toBe('1.10.0');
  });

  test('is not known where a later version can be affected, or where what is said of it is not known', () => {
    expect(of([{ introduced: '0' }])).toBeUndefined();
    expect(of([{ introduced: '0' }, { fixed: '1.0.0' }, { introduced: '2.0.0' }])).toBeUndefined();
    expect(of([{ introduced: '0' }, { last_affected: '1.0.0' }])).toBeUndefined();
    expect(of([{ introduced: '0' }, { limit: '1.0.0' }])).toBeUndefined();
    expect(of([{ introduced: '0' }, { fixed: '1.0.0' }], { versions: ['1.5.0'] })).toBeUndefined();
    expect(of([{ fixed: '1.0.0' }])).toBeUndefined();
    expect(of([])).toBeUndefined();
    expect(clearFrom({ id: 7 }, 'Go').size).toBe(0);
    expect(clearFrom({ id: 'X-1', affected: [] }, 'npm').size).toBe(0);
  });
});
