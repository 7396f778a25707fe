// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SLA_POLICIES } from '#vulnerabilities';
import { type PastFinding, replay } from './replay.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const FROM = new Date('2026-07-01T00:00:00Z');
const day = (days: number) => new Date(+FROM + days * DAY);
const PACE = { everyMilliseconds: DAY, buildMilliseconds: HOUR };
const policies = [SLA_POLICIES['from-identification'], SLA_POLICIES['from-upstream-fix']];

function past(vulnerability: string, disclosed: number, fixed?: number): PastFinding {
  const finding = {
    vulnerability,
    product: '2.9/distroless/source-controller',
    severity: 'critical',
    risk: {},
    state: 'open',
    fix: { version: 'v1.2.4' },
  } as const;
  return { finding, disclosed: day(disclosed), fixed: fixed === undefined ? undefined : day(fixed) };
}

const run = (findings: readonly PastFinding[], to = 50) =>
  replay({ findings, from: FROM, to: day(to), pace: PACE, policies });

describe('a replay', () => {
  it('publishes at the first look after advisory and fix are public, once it is built', () => {
    const { findings, days } = run([past('A', 3.5, 2), past('B', 3, 9.25)]);
    expect(findings.map(({ published }) => published)).toEqual([new Date(+day(4) + HOUR), new Date(+day(10) + HOUR)]);
    expect(findings.map((one) => one.days?.toFixed(3))).toEqual(['0.542', '0.792']);
    expect(days).toMatchObject({ fixes: 2, median: 13 / 24 });
  });

  it('counts what began before it in no figure, yet patches it at the first look', () => {
    const { findings, days } = run([past('A', -20, -10)]);
    expect(findings).toMatchObject([{ detected: FROM, published: new Date(+FROM + HOUR), days: undefined }]);
    expect(days).toEqual({ fixes: 0 });
  });

  it('leaves a finding without a fix open, and the clock tells so', () => {
    const { findings, reports } = run([past('A', 1)]);
    expect(findings).toMatchObject([{ published: undefined, fixed: undefined }]);
    expect(reports.map(({ breaches }) => breaches.length)).toEqual([1, 0]);
  });

  it('shows a breach where the pace is too slow for the promise', () => {
    const pace = { everyMilliseconds: 5 * DAY, buildMilliseconds: HOUR };
    const slow = replay({ findings: [past('A', 0.5, 6)], from: FROM, to: day(50), pace, policies });
    expect(slow.reports.map(({ breaches }) => breaches.length)).toEqual([1, 0]);
  });

  it('never publishes before a fix can be had, nor later than one look and one build after all is public', () => {
    const moments = fc.record({
      disclosed: fc.double({ min: 0, max: 40, noNaN: true }),
      fixed: fc.double({ min: 0, max: 40, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(moments, { maxLength: 12 }), (all) => {
        const { findings, events } = run(all.map(({ disclosed, fixed }, index) => past(`V${index}`, disclosed, fixed)));
        for (const { published, fixed, disclosed, days } of findings) {
          expect(published && fixed && published >= fixed && published >= disclosed).toBe(true);
          expect(days).toBeLessThanOrEqual(25 / 24);
        }
        expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted());
      }),
    );
  });
});
