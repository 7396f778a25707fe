// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addSupportDays, type SupportCalendar } from './calendar.ts';
import { BOD_26_04, rowFor } from './overlay.ts';
import { toSlaPolicy } from './policy.ts';
import { formatSpan, parseSpan } from './span.ts';

const WEEK = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] as const;
const at = (timeZone: string, holidays: readonly string[] = []): SupportCalendar => ({
  timeZone,
  supportDays: WEEK,
  holidays,
});

describe('support days', () => {
  it.each([
    ['skip the weekend', 'Etc/UTC', [], '2026-08-05T15:00:00Z', 5, '2026-08-12T15:00:00Z'],
    ['begin on Monday when it is Saturday', 'Etc/UTC', [], '2026-08-08T10:00:00Z', 5, '2026-08-15T00:00:00Z'],
    ['end with the day when they begin with one', 'Etc/UTC', [], '2026-08-10T00:00:00Z', 5, '2026-08-15T00:00:00Z'],
    ['skip holidays', 'Europe/London', ['2026-08-31'], '2026-08-28T09:00:00Z', 1, '2026-09-01T09:00:00Z'],
    [
      'keep the time of day when clocks go back',
      'Europe/London',
      [],
      '2026-10-23T09:00:00Z',
      1,
      '2026-10-26T10:00:00Z',
    ],
    ['keep it when clocks go forward', 'America/New_York', [], '2026-03-06T14:00:00Z', 1, '2026-03-09T13:00:00Z'],
    ['count the local day', 'Australia/Sydney', [], '2026-08-07T20:00:00Z', 1, '2026-08-10T14:00:00Z'],
  ] as const)('%s', (_, zone, holidays, start, days, end) => {
    expect(addSupportDays(new Date(start), days, at(zone, holidays))).toEqual(new Date(end));
  });

  it('end later the later they begin and the more they are', () => {
    const moment = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
    const zone = fc.constantFrom(
      'Etc/UTC',
      'Europe/London',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    );
    fc.assert(
      fc.property(moment, zone, fc.integer({ min: 1, max: 20 }), fc.nat(10_000_000), (start, name, days, more) => {
        const calendar = at(name, ['2026-12-25', '2027-01-01']);
        const end = addSupportDays(start, days, calendar);
        expect(+end).toBeGreaterThan(+start);
        expect(+addSupportDays(start, days + 1, calendar)).toBeGreaterThan(+end);
        expect(+addSupportDays(new Date(+start + more), days, calendar)).toBeGreaterThanOrEqual(+end);
      }),
    );
  });
});

describe('an SLA policy', () => {
  it('reads spans as it writes them', () => {
    for (const text of ['72 hours', '1 hour', '5 support days', '1 support day', '14 days']) {
      expect(formatSpan(parseSpan(text) ?? { amount: 0, unit: 'days' })).toBe(text);
    }
    for (const text of ['', '0 days', '-1 days', '5 weeks', '1.5 days', '99999 days'])
      expect(parseSpan(text)).toBeUndefined();
  });

  it('changes what a definition says and keeps the rest', () => {
    const policy = toSlaPolicy({ policy: 'from-upstream-fix', within: { high: '10 days' }, timeZone: 'Europe/London' });
    expect(policy.within).toMatchObject({ critical: { amount: 7 }, high: { amount: 10 }, low: { amount: 14 } });
    expect(policy.calendar.timeZone).toBe('Europe/London');
  });

  it('is refused with everything that is wrong with it', () => {
    const wrong = { policy: 'mine', within: { low: 'soon' }, timeZone: 'Mars/Olympus', supportDays: [] };
    expect(() => toSlaPolicy(wrong)).toThrow(/mine.*low.*Mars.*supportDays/);
  });
});

describe('BOD 26-04', () => {
  it('has one row for every answer to its four questions', () => {
    const flags = [false, true];
    for (const kev of flags)
      for (const exposed of flags)
        for (const automatable of flags)
          for (const impact of ['partial', 'total'] as const) {
            const fitting = BOD_26_04.rows.filter(
              (row) =>
                row.kev === kev && row.exposed === exposed && row.automatable === automatable && row.impact === impact,
            );
            expect(fitting).toHaveLength(1);
            expect(rowFor(BOD_26_04, { ...(kev ? { kev: {} } : {}), automatable, impact }, exposed)).toBe(fitting[0]);
          }
  });

  it('assumes the worst of what is not known', () => {
    expect(rowFor(BOD_26_04, {}, true)?.within).toEqual({ amount: 3, unit: 'days' });
  });
});
