// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Affected, evaluate, toAdvisory, versionOrder } from '#vulnerabilities';

type Event = Readonly<Record<string, string>>;

function entryOf(events: readonly Event[], more: object = {}, ecosystem = 'Go'): Affected {
  const type = ecosystem === 'Go' ? 'SEMVER' : 'ECOSYSTEM';
  const ranges = events.length === 0 ? [] : [{ type, events }];
  const affected = [{ package: { ecosystem, name: 'example' }, ranges, ...more }];
  const [entry] = toAdvisory({ id: 'X-1', affected }).affected;
  if (entry === undefined) throw new Error('the advisory has no entry');
  return entry;
}

const kindOf = (entry: Affected, version: string) => evaluate(entry, version).kind;
const FROM_0 = { introduced: '0' };

/** The algorithm as the schema's page gives it in pseudo-code, written down a second time and without any care for speed. */
function includedInRange(events: readonly Event[], version: string): boolean {
  const { compare } = { compare: (a: string, b: string) => versionOrder('go').compare(a, b) };
  const reached = (event: string | undefined) => event !== undefined && (event === '0' || compare(version, event) >= 0);
  const limits = events.flatMap((event) => event['limit'] ?? []);
  if (limits.length > 0 && !limits.some((limit) => limit === '*' || compare(version, limit) < 0)) return false;
  const place = (event: Event) => event['introduced'] ?? event['fixed'] ?? event['last_affected'] ?? '*';
  const sorted = events
    .filter((event) => event['limit'] === undefined)
    .toSorted((a, b) => (place(a) === '0' ? -1 : place(b) === '0' ? 1 : compare(place(a), place(b))));
  let vulnerable = false;
  for (const event of sorted) {
    if (reached(event['introduced'])) vulnerable = true;
    if (reached(event['fixed'])) vulnerable = false;
    if (event['last_affected'] !== undefined && compare(version, event['last_affected']) > 0) vulnerable = false;
  }
  return vulnerable;
}

const version = fc
  .tuple(fc.nat(2), fc.nat(3), fc.nat(3), fc.constantFrom('', '', '-rc.1', '-0', '+incompatible'))
  .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`);

/** Ranges that can be: beginnings and ends in turn, each after the one before. */
const events = fc
  .tuple(
    fc.uniqueArray(version, {
      minLength: 1,
      maxLength: 6,
      comparator: (a, b) => versionOrder('go').compare(a, b) === 0,
    }),
    fc.boolean(),
    fc.constantFrom('fixed', 'last_affected'),
    fc.option(fc.oneof(version, fc.constant('*'))),
  )
  .chain(([versions, fromStart, end, limit]) => {
    const sorted = versions.toSorted((a, b) => versionOrder('go').compare(a, b));
    const turns: Event[] = (fromStart ? ['0', ...sorted] : sorted).map((one, index) =>
      index % 2 === 0 ? { introduced: one } : { [end]: one },
    );
    return fc.shuffledSubarray([...turns, ...(limit === null ? [] : [{ limit }])], {
      minLength: turns.length + (limit === null ? 0 : 1),
    });
  });

describe('the evaluation of an advisory', () => {
  test('agrees with the algorithm in the OSV schema on ranges in any order', () => {
    fc.assert(
      fc.property(events, version, (range, one) => {
        const entry = entryOf(range);
        expect(entry.faults).toEqual([]);
        expect(kindOf(entry, one)).toBe(includedInRange(range, one) ? 'affected' : 'unaffected');
      }),
      { numRuns: 2000 },
    );
  });

  test('gives a fix that is newer and that the entry does not affect, whenever it gives one', () => {
    fc.assert(
      fc.property(events, version, (range, one) => {
        const entry = entryOf(range);
        const reading = evaluate(entry, one);
        if (reading.kind !== 'affected' || reading.fix === undefined) return;
        expect(versionOrder('go').compare(reading.fix, one)).toBeGreaterThan(0);
        expect(kindOf(entry, reading.fix)).toBe('unaffected');
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['a fix is not affected', [FROM_0, { fixed: '1.2.3' }], '1.2.3', 'unaffected'],
    ['what is before it is', [FROM_0, { fixed: '1.2.3' }], '1.2.2', 'affected'],
    ['a pre-release of the fix is before it', [FROM_0, { fixed: '1.2.3' }], '1.2.3-rc.1', 'affected'],
    ['the last affected version is', [FROM_0, { last_affected: '1.2.3' }], '1.2.3', 'affected'],
    ['the one after it is not', [FROM_0, { last_affected: '1.2.3' }], '1.2.4-0', 'unaffected'],
    ['between two ranges nothing is', [FROM_0, { fixed: '1.1.0' }, { introduced: '1.2.0' }], '1.1.9', 'unaffected'],
    ['a range can begin again', [{ introduced: '1.2.0' }, FROM_0, { fixed: '1.1.0' }], '1.2.0', 'affected'],
    ['a limit is exclusive', [FROM_0, { limit: '2.0.0' }], '2.0.0', 'unaffected'],
    ['any limit will do', [FROM_0, { limit: '2.0.0' }, { limit: '3.0.0' }], '2.5.0', 'affected'],
    ['the limit * is none', [FROM_0, { limit: '*' }], '9.9.9', 'affected'],
    [
      'a pseudo-version lies where its base says',
      [FROM_0, { fixed: '0.17.0' }],
      'v0.16.1-0.20230101000000-abcdefabcdef',
      'affected',
    ],
    [
      'one after the fix is after it',
      [FROM_0, { fixed: '0.17.0' }],
      'v0.17.1-0.20230101000000-abcdefabcdef',
      'unaffected',
    ],
    [
      'a fix can be a pseudo-version',
      [FROM_0, { fixed: '0.0.0-20220314234659-1baeb1ce4c0b' }],
      'v0.0.0-20210921155107-089bfa567519',
      'affected',
    ],
    [
      '+incompatible does not count',
      [FROM_0, { fixed: '20.10.9+incompatible' }],
      'v20.10.9+incompatible',
      'unaffected',
    ],
    ['nor where the advisory leaves it out', [FROM_0, { fixed: '20.10.9' }], 'v20.10.8+incompatible', 'affected'],
  ] as const)('%s', (_name, range, one, kind) => {
    expect(kindOf(entryOf(range), one)).toBe(kind);
  });

  test('takes listed versions as they stand, beside ranges', () => {
    const entry = entryOf([{ introduced: '2.0.0' }], { versions: ['1.0.0', '1.5.0'] });
    expect(kindOf(entry, 'v1.0.0')).toBe('affected');
    expect(kindOf(entry, 'v1.0.1')).toBe('unaffected');
    expect(evaluate(entry, 'v1.5.0')).toMatchObject({ by: { kind: 'version', version: '1.5.0' } });
  });

  test('names what decided', () => {
    const entry = entryOf([FROM_0, { fixed: '1.1.0' }, { introduced: '1.2.0' }, { fixed: '1.2.5' }]);
    expect(evaluate(entry, 'v1.2.1')).toEqual({
      kind: 'affected',
      by: { kind: 'range', type: 'SEMVER', introduced: '1.2.0', until: { kind: 'fixed', version: '1.2.5' } },
      fix: '1.2.5',
    });
    expect(evaluate(entry, 'v0.9.0')).toMatchObject({
      by: { introduced: '0', until: { version: '1.1.0' } },
      fix: '1.1.0',
    });
  });

  test('orders Debian versions by epoch, tilde and revision', () => {
    const entry = entryOf([FROM_0, { fixed: '1:2.0~rc1-3+deb13u1' }], {}, 'Debian:13');
    for (const old of ['9.0-1', '1:2.0~beta9-1', '1:2.0~rc1-3', '1:2.0~rc1-3+deb12u9'])
      expect(kindOf(entry, old), old).toBe('affected');
    for (const fixed of ['1:2.0~rc1-3+deb13u1', '1:2.0-1', '2:0.1-1'])
      expect(kindOf(entry, fixed), fixed).toBe('unaffected');
  });

  test('orders Alpine revisions', () => {
    const entry = entryOf([FROM_0, { fixed: '1.37.0-r27' }], {}, 'Alpine:v3.23');
    expect(kindOf(entry, '1.37.0-r9')).toBe('affected');
    expect(kindOf(entry, '1.37.0_rc1-r30')).toBe('affected');
    expect(kindOf(entry, '1.37.0-r27')).toBe('unaffected');
  });

  test('does not know what a range says that cannot be', () => {
    for (const [range, reason] of [
      [[{ fixed: '1.0.0' }], 'no introduced'],
      [[{ introduced: '2.0.0' }, { fixed: '1.0.0' }], 'before what it should end'],
      [[{ introduced: '2.0.0' }, { fixed: '2.0.0' }], 'before what it should end'],
      [[FROM_0, { fixed: '1.0.0' }, { last_affected: '1.1.0' }], 'both fixed and last_affected'],
      [[FROM_0, { fixed: 'one' }], 'is no version'],
      [[{ introduced: '0', fixed: '1.0.0' }], 'must have one'],
      [[{}], 'must have one'],
    ] as const) {
      const reading = evaluate(entryOf(range), '1.5.0');
      expect(reading).toMatchObject({ kind: 'unknown', reason: expect.stringContaining(reason) });
    }
  });

  test('knows it all the same where another range of the entry hits', () => {
    const ranges = [
      { type: 'SEMVER', events: [{ fixed: '1.0.0' }] },
      { type: 'SEMVER', events: [FROM_0, { fixed: '2.0.0' }] },
    ];
    const entry = entryOf([], { ranges });
    expect(kindOf(entry, '1.5.0')).toBe('affected');
    expect(kindOf(entry, '2.5.0')).toBe('unknown');
  });

  test('does not take ranges of commits for versions', () => {
    const ranges = [{ type: 'GIT', events: [FROM_0, { fixed: 'abc' }] }];
    expect(evaluate(entryOf([], { ranges }), '1.0.0')).toMatchObject({ kind: 'unknown' });
    expect(kindOf(entryOf([], { ranges, versions: ['2.0.0'] }), '1.0.0')).toBe('unaffected');
  });
});
