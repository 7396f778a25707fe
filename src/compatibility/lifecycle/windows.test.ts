// SPDX-License-Identifier: Apache-2.0
import {
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  oneof,
  option,
  property,
  record,
  shuffledSubarray,
  string,
  tuple,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FeedCycle, readCalendar } from './calendar.ts';
import { addMonths, daysUntil, dayOf, isDay } from './day.ts';
import { readEndings } from './endings.ts';
import { readFits } from './fit.ts';
import { compareMinors, isMinor, minorOf } from './minor.ts';
import { kubernetesOf, kubernetesOfOpenShift } from './products.ts';
import { lastDay, latestMinors, readLines, stageOn } from './windows.ts';

const DAY = 86_400_000;
const START = Date.parse('2023-01-01');

/** Days of eight years, as numbers, since random texts would hardly meet. */
const day = integer({ min: 0, max: 2900 }).map((count) => dayOf(new Date(START + count * DAY)));

/** Minors of one major in a random order, each out a random time after the one before, with random spans of support. */
const product = (major: number) =>
  array(
    record({
      gap: integer({ min: 1, max: 250 }),
      standard: integer({ min: 1, max: 500 }),
      extended: option(integer({ min: 1, max: 400 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 15 },
  )
    .map((spans) => {
      let time = START;
      return spans.map(({ gap, standard, extended }, index): FeedCycle => {
        time += gap * DAY;
        const end = time + standard * DAY;
        return {
          cycle: `${major}.${index}`,
          released: dayOf(new Date(time)),
          endOfLife: dayOf(new Date(end)),
          ...(extended === undefined ? {} : { extendedSupport: dayOf(new Date(end + extended * DAY)) }),
        };
      });
    })
    .chain((cycles) => shuffledSubarray(cycles, { minLength: cycles.length }));

const kubernetesOfDay = tuple(product(1), day).map(([cycles, today]) => ({
  calendar: readCalendar('kubernetes', cycles),
  cycles,
  today,
}));

describe('a window', () => {
  it('of the newest minors holds those that are out, newest first, and none that is older than one left out', () => {
    assert(
      property(kubernetesOfDay, integer({ min: 1, max: 8 }), ({ calendar, cycles, today }, count) => {
        const found = latestMinors(calendar, today, count);
        const out = cycles.filter(({ released = '' }) => released <= today).map(({ cycle }) => cycle);
        expect(found).toHaveLength(Math.min(count, out.length));
        expect(found).toEqual(out.sort((a, b) => compareMinors(b, a)).slice(0, count));
      }),
    );
  });

  it('of the newest minors only moves forward', () => {
    assert(
      property(kubernetesOfDay, day, ({ calendar, today }, other) => {
        const [earlier, later] = [today, other].sort() as [string, string];
        const [before, after] = [latestMinors(calendar, earlier, 6), latestMinors(calendar, later, 6)];
        const [oldest] = before.slice(-1);
        expect(after.every((minor) => before.includes(minor) || compareMinors(minor, before[0] ?? '0.0') > 0)).toBe(
          true,
        );
        if (after.length === before.length && oldest !== undefined)
          expect(compareMinors(after.at(-1) ?? '0.0', oldest)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('of a line opens once, closes once, and as many are open as the definition says', () => {
    assert(
      property(product(2), kubernetesOfDay, integer({ min: 1, max: 5 }), (flux, { calendar, today }, lines) => {
        const calendars = { flux: readCalendar('flux', flux), kubernetes: calendar };
        const settings = { lines, kubernetes: 6, lts: {} };
        const read = readLines(calendars, settings, today);
        const open = read.filter(({ state }) => state === 'supported').map(({ line }) => line);
        const out = latestMinors(calendars.flux, today, 100);
        const isReleaseDay = flux.some(({ released }) => released === today);
        // On the day that a line comes out, the one it ends is still supported.
        expect(open).toEqual(out.slice(0, lines + (isReleaseDay && out.length > lines ? 1 : 0)));
        const order = { upcoming: 0, supported: 1, lts: 2, ended: 3 };
        for (const { line, state } of readLines(calendars, settings, dayOf(new Date(Date.parse(today) + DAY)))) {
          const before = read.find((one) => one.line === line)?.state ?? 'upcoming';
          expect(order[state]).toBeGreaterThanOrEqual(order[before]);
        }
      }),
    );
  });

  it('of support is open on its last day and closed on the next', () => {
    assert(
      property(kubernetesOfDay, ({ calendar }) => {
        for (const cycle of calendar.cycles) {
          const last = lastDay(cycle) ?? '';
          expect(isDay(last)).toBe(true);
          expect(['standard', 'extended']).toContain(stageOn(cycle, last));
          expect(stageOn(cycle, dayOf(new Date(Date.parse(last) + DAY)))).toBe('ended');
          expect(stageOn(cycle, dayOf(new Date(Date.parse(cycle.released ?? '') - DAY)))).toBe('upcoming');
        }
      }),
    );
  });

  it('that ends is warned of if, and only if, its last day is among the next ones', () => {
    assert(
      property(product(2), kubernetesOfDay, integer({ min: 1, max: 200 }), (flux, { calendar, today }, within) => {
        const calendars = { flux: readCalendar('flux', flux), kubernetes: calendar };
        const lines = readLines(calendars, { lines: 3, kubernetes: 6, lts: {} }, today);
        const endings = readEndings({ lines, kubernetes: calendar, providers: [], today, within });
        for (const { line, state, until } of lines) {
          const isSoon = until !== undefined && daysUntil(today, until) >= 0 && daysUntil(today, until) <= within;
          const isWarned = endings.some(({ what }) => what === `Flux ${line}: support`);
          expect(isWarned).toBe(isSoon && state === 'supported');
        }
        expect(endings.map(({ days }) => days)).toEqual(endings.map(({ days }) => days).sort((a, b) => a - b));
      }),
    );
  });
});

describe('a calendar', () => {
  it('of any cycles is read, newest first, or refused in its own words', () => {
    const any = oneof(day, boolean(), string({ maxLength: 12 }), constantFrom('2026-02-30', ''));
    const cycle = record(
      {
        cycle: oneof(string({ maxLength: 8 }), constantFrom('1.10', '1.9', '1.9', 'latest', '1.09')),
        released: oneof(day, string({ maxLength: 12 })),
        endOfLife: any,
        extendedSupport: any,
        latest: string(),
      },
      { requiredKeys: ['cycle'] },
    );
    assert(
      property(array(cycle, { maxLength: 8 }), day, (cycles, today) => {
        try {
          const calendar = readCalendar('gke', cycles);
          const names = calendar.cycles.map((one) => one.cycle);
          expect(names).toEqual([...new Set(names)].sort((a, b) => compareMinors(b, a)));
          expect(names.every(isMinor)).toBe(true);
          for (const one of calendar.cycles)
            expect(['upcoming', 'standard', 'extended', 'ended', 'unknown']).toContain(stageOn(one, today));
        } catch (error) {
          expect(error).toMatchObject({ code: 'CALENDAR_INVALID', hint: expect.any(String) });
        }
      }),
    );
  });
});

describe('a fit', () => {
  it('is of a supported line, lasts today, ends with the earlier side, and with one provider there are no more', () => {
    assert(
      property(product(2), kubernetesOfDay, product(1), (flux, { calendar, today }, eks) => {
        const calendars = { flux: readCalendar('flux', flux), kubernetes: calendar };
        const lines = readLines(calendars, { lines: 3, kubernetes: 6, lts: {} }, today);
        const provider = { provider: 'eks' as const, calendar: readCalendar('eks', eks) };
        const request = {
          lines,
          kubernetes: calendar,
          providers: [provider],
          window: 6,
          channels: ['distroless'],
          cells: [],
          revisionOf: () => undefined,
          now: new Date(`${today}T12:00:00Z`),
        };
        const all = readFits(request);
        for (const { line, kubernetes, basis, until, endsWith, providers } of all) {
          const window = lines.find((one) => one.line === line);
          expect(window?.state).toBe('supported');
          expect(basis === 'window').toBe(window?.kubernetes.includes(kubernetes));
          expect(until === undefined || until >= today).toBe(true);
          expect(until === undefined || window?.until === undefined || until <= window.until).toBe(true);
          expect(until === undefined).toBe(endsWith.length > 0);
          expect(providers.every(({ stage }) => stage === 'standard' || stage === 'extended')).toBe(true);
        }
        const onEks = readFits({ ...request, only: 'eks' });
        const names = (fits: typeof all) => fits.map(({ line, kubernetes }) => `${line} ${kubernetes}`);
        expect(names(all)).toEqual(expect.arrayContaining(names(onEks)));
        expect(onEks.every(({ providers }) => providers.length === 1)).toBe(true);
      }),
    );
  });
});

describe('a day', () => {
  it.each([
    ['2024-10-25', 24, '2026-10-25'],
    ['2024-02-29', 12, '2025-02-28'],
    ['2025-08-31', 6, '2026-02-28'],
    ['2025-12-31', 1, '2026-01-31'],
  ])('%s is %d months later %s', (from, months, to) => {
    expect(addMonths(from, months)).toBe(to);
  });

  it('must exist', () => {
    expect(['2026-02-28', '2024-02-29'].every(isDay)).toBe(true);
    expect(['2026-02-29', '2026-13-01', '2026-1-1', 'soon', ''].some(isDay)).toBe(false);
  });
});

describe('a minor', () => {
  it('is read from versions, lines and revisions, and ordered by numbers', () => {
    expect(['2.9.2-r0', 'v2.9.2', '2.9', '1.36.3-gke.1640000'].map(minorOf)).toEqual(['2.9', '2.9', '2.9', '1.36']);
    expect(['2', 'v2', '2.09', '2.9x', ''].map(minorOf)).toEqual(Array.from({ length: 5 }));
    expect(['1.10', '1.9', '2.0'].sort(compareMinors)).toEqual(['1.9', '1.10', '2.0']);
    expect(['1.0', '1.01', '01.1', '1.'].map(isMinor)).toEqual([true, false, false, false]);
  });

  // https://access.redhat.com/solutions/4870701
  it.each([
    ['4.3', '1.16'],
    ['4.12', '1.25'],
    ['4.18', '1.31'],
    ['4.21', '1.34'],
    ['4.2', undefined],
    ['3.11', undefined],
    ['5.0', undefined],
  ])('of OpenShift %s holds Kubernetes %s', (openShift, kubernetes) => {
    expect(kubernetesOfOpenShift(openShift)).toBe(kubernetes);
    expect(kubernetesOf('openshift', openShift)).toBe(kubernetes);
    expect(kubernetesOf('eks', openShift)).toBe(openShift);
  });
});
