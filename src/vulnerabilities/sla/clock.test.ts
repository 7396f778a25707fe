// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detected, event, hour, published } from './__fixtures__/events.ts';
import { readClocks, readSla } from './clock.ts';
import { eventSchema, type SlaEvent } from './events.ts';
import { SLA_POLICIES, toSlaPolicy } from './policy.ts';

const FOUND = SLA_POLICIES['from-identification'];
const FIXED = SLA_POLICIES['from-upstream-fix'];
const affected = (hours: number, status: 'affected' | 'not_affected' | 'under_investigation') =>
  event('assessed', hours, { status, reason: 'because' });

describe('the SLA clock', () => {
  it('waits while no fix exists, and says so', () => {
    const reading = readSla(FIXED, [detected()], hour(1000));
    expect(reading).toMatchObject({ state: 'waiting', startedAt: undefined, dueAt: undefined });
    expect(reading.reason).toBe('no upstream fix is known');
  });

  it('runs from the day a fix is available, by the policy that says so', () => {
    const events = [detected(), event('fix-available', 100, { since: hour(90).toISOString(), version: 'v1.2.3' })];
    expect(readSla(FIXED, events, hour(101))).toMatchObject({
      state: 'running',
      startedAt: hour(90),
      dueAt: hour(90 + 168),
    });
  });

  it('runs from identification, by the other', () => {
    expect(readSla(FOUND, [detected(5)], hour(6))).toMatchObject({ startedAt: hour(5), dueAt: hour(77) });
  });

  it('takes a fix from before detection for what it is', () => {
    const early = event('fix-available', -10, { since: hour(-20).toISOString() });
    expect(readSla(FIXED, [early, detected()], hour(1)).startedAt).toEqual(hour(-20));
  });

  it('is at risk after three quarters of the time', () => {
    expect(readSla(FOUND, [detected()], hour(53.9)).state).toBe('running');
    expect(readSla(FOUND, [detected()], hour(54)).state).toBe('at-risk');
  });

  it('is not yet breached at the very due moment, and is one millisecond later', () => {
    expect(readSla(FOUND, [detected()], hour(72)).state).toBe('at-risk');
    expect(readSla(FOUND, [detected()], new Date(+hour(72) + 1))).toMatchObject({
      state: 'breached',
      breachedAt: hour(72),
    });
  });

  it('is met when a fix is published in time, and stays met', () => {
    for (const now of [72, 73, 10_000]) {
      expect(readSla(FOUND, [detected(), published(72)], hour(now))).toMatchObject({
        state: 'met',
        breachedAt: undefined,
      });
    }
  });

  it('is missed when a fix is published late', () => {
    expect(readSla(FOUND, [detected(), published(73)], hour(80))).toMatchObject({
      state: 'missed',
      breachedAt: hour(72),
    });
  });

  it('starts with a fix that was there before when the advisory tells what it fixes', () => {
    const known = (since: number) => event('disclosed', 200, { since: hour(since).toISOString() });
    const fix = event('fix-available', 200, { since: hour(-500).toISOString() });
    const found = { ...detected(), at: hour(200).toISOString() };
    expect(readSla(FIXED, [fix, found], hour(201)).startedAt).toEqual(hour(-500));
    expect(readSla(FIXED, [known(100), fix, found], hour(201)).startedAt).toEqual(hour(100));
    expect(readSla(FIXED, [known(-600), fix, found], hour(201)).startedAt).toEqual(hour(-500));
  });

  it('is not stopped by an investigation', () => {
    expect(readSla(FOUND, [detected(), affected(1, 'under_investigation')], hour(100)).state).toBe('breached');
  });

  it('is not stopped by a patch that nobody can pull', () => {
    expect(readSla(FOUND, [detected(), event('patched', 10, { revision: '2.9.2-r1' })], hour(100))).toMatchObject({
      state: 'breached',
      patchedAt: hour(10),
    });
  });

  it('is excused while VEX says not affected', () => {
    expect(readSla(FOUND, [detected(), affected(1, 'not_affected')], hour(1000))).toMatchObject({
      state: 'excused',
      breachedAt: undefined,
    });
  });

  it('stays excused when what needs no fix gets one late', () => {
    const events = [detected(), affected(1, 'not_affected'), published(500)];
    expect(readSla(FOUND, events, hour(501))).toMatchObject({
      state: 'excused',
      publishedAt: hour(500),
      breachedAt: undefined,
    });
    expect(readSla(FOUND, [...events, affected(502, 'affected')], hour(600)).state).toBe('missed');
  });

  it('gives no time back when the excuse is withdrawn', () => {
    const events = [detected(), affected(1, 'not_affected'), affected(100, 'affected')];
    expect(readSla(FOUND, events, hour(101))).toMatchObject({
      state: 'breached',
      dueAt: hour(72),
      breachedAt: hour(100),
    });
  });

  it('remembers that the excuse came late', () => {
    expect(readSla(FOUND, [detected(), affected(80, 'not_affected')], hour(90))).toMatchObject({
      state: 'excused',
      breachedAt: hour(72),
    });
  });

  it('is excused when the advisory is withdrawn', () => {
    expect(readSla(FOUND, [detected(), event('withdrawn', 3, { reason: 'a mistake' })], hour(99))).toMatchObject({
      state: 'excused',
      reason: 'advisory withdrawn: a mistake',
    });
  });

  it('moves the due date and not the start when it is scored anew', () => {
    const lower = event('rescored', 10, { severity: 'low' });
    const reading = readSla(FOUND, [detected(), lower], hour(80));
    expect(reading).toMatchObject({ state: 'running', startedAt: hour(0), severity: 'low' });
    expect(reading.dueAt).toEqual(hour(7 * 24));
  });

  it('is over time at the moment of the new score, where that moves the due date into the past', () => {
    const higher = event('rescored', 90, { severity: 'critical' });
    expect(readSla(FOUND, [detected(0, 'low'), higher], hour(91))).toMatchObject({
      dueAt: hour(72),
      breachedAt: hour(90),
    });
  });

  it('treats what nobody has scored as critical, not as low', () => {
    expect(readSla(FOUND, [detected(0, 'unknown')], hour(1)).dueAt).toEqual(hour(72));
  });

  it('keeps the start of a finding that is reopened, or restarts where the policy says so', () => {
    const events = [detected(), published(10), event('reopened', 20, { reason: 'the fix is incomplete' })];
    expect(readSla(FOUND, events, hour(30))).toMatchObject({
      state: 'running',
      dueAt: hour(72),
      publishedAt: undefined,
    });
    const restarting = toSlaPolicy({ reopened: 'restarts' });
    expect(readSla(restarting, events, hour(30))).toMatchObject({ startedAt: hour(20), dueAt: hour(92) });
  });

  it('lets the shorter of policy and overlay count', () => {
    const policy = toSlaPolicy({ policy: 'from-upstream-fix', overlays: ['bod-26-04', 'kev'] });
    const kev = event('rescored', 24, { severity: 'high', risk: { kev: {}, automatable: true, impact: 'total' } });
    expect(readSla(policy, [detected(0, 'high'), kev], hour(25))).toMatchObject({
      state: 'running',
      dueAt: hour(24 + 72),
      dueBy: 'bod-26-04',
      forensic: true,
    });
    const listed = event('rescored', 24, { severity: 'high', risk: { kev: { due: '2026-08-07' }, impact: 'partial' } });
    expect(readSla(policy, [detected(0, 'high'), listed], hour(25))).toMatchObject({
      dueBy: 'kev',
      dueAt: new Date('2026-08-07T23:59:59.999Z'),
    });
  });

  it('sees only what was known at the moment asked for', () => {
    const events = [detected(), published(60)];
    expect(readSla(FOUND, events, hour(59)).state).toBe('at-risk');
    expect(readClocks(FOUND, events, hour(-1))).toEqual([]);
  });

  it('refuses a history that does not begin with detection', () => {
    for (const events of [[], [published(1)], [published(1), detected(2)]]) {
      expect(() => readSla(FOUND, events, hour(9))).toThrow(expect.objectContaining({ code: 'SLA_NOT_DETECTED' }));
    }
  });

  it('refuses events out of order, and an event that tells of the future', () => {
    const future = event('fix-available', 1, { since: hour(2).toISOString() });
    for (const events of [
      [detected(5), published(4)],
      [detected(), future],
    ]) {
      expect(() => readSla(FOUND, events, hour(9))).toThrow(
        expect.objectContaining({ code: 'SLA_EVENTS_OUT_OF_ORDER' }),
      );
    }
  });

  it('refuses events of two findings at once', () => {
    const other = event('published', 2, { revision: 'r1', product: 'another' });
    expect(() => readSla(FOUND, [detected(), other], hour(9))).toThrow(
      expect.objectContaining({ code: 'SLA_EVENTS_MIXED' }),
    );
  });
});

describe('any history', () => {
  const tail = fc.array(
    fc.tuple(
      fc.integer({ min: 1, max: 400 }),
      fc.constantFrom<(at: number) => SlaEvent>(
        published,
        (at) => affected(at, 'not_affected'),
        (at) => affected(at, 'affected'),
        (at) => event('rescored', at, { severity: 'low' }),
        (at) => event('rescored', at, { severity: 'critical', risk: { kev: {} } }),
        (at) => event('fix-available', at, { since: hour(at - 1).toISOString() }),
        (at) => event('reopened', at, { reason: 'again' }),
        (at) => event('withdrawn', at, { reason: 'wrong' }),
      ),
    ),
    { maxLength: 12 },
  );
  const history = tail.map((some) => [detected(), ...some.sort(([a], [b]) => a - b).map(([at, make]) => make(at))]);
  const policy = fc.constantFrom(FOUND, FIXED, toSlaPolicy({ overlays: ['bod-26-04'], reopened: 'restarts' }));

  it('reads the same twice, and changes nothing it is given', () => {
    fc.assert(
      fc.property(history, policy, fc.integer({ min: 0, max: 500 }), (events, chosen, now) => {
        const before = JSON.stringify(events);
        const first = readSla(chosen, events, hour(now));
        expect(readSla(chosen, events, hour(now))).toEqual(first);
        expect(JSON.stringify(events)).toBe(before);
      }),
    );
  });

  it('reads the same at a past moment, whatever came after', () => {
    fc.assert(
      fc.property(history, policy, fc.integer({ min: 0, max: 400 }), (events, chosen, now) => {
        const then = events.filter(({ at }) => new Date(at) <= hour(now));
        expect(readSla(chosen, events, hour(now))).toEqual(readSla(chosen, then, hour(now)));
      }),
    );
  });

  it('is refused as soon as two of its events are swapped', () => {
    fc.assert(
      fc.property(history, fc.nat(), (events, seed) => {
        const index = seed % events.length;
        const [a, b] = [events[index], events[index + 1]];
        fc.pre(a !== undefined && b !== undefined && a.at < b.at);
        const swapped = events.toSpliced(index, 2, b, a);
        expect(() => readSla(FOUND, swapped, hour(9999))).toThrow();
      }),
    );
  });

  it('breaches only while open and over time', () => {
    fc.assert(
      fc.property(history, policy, fc.integer({ min: 0, max: 500 }), (events, chosen, now) => {
        const { state, dueAt, breachedAt } = readSla(chosen, events, hour(now));
        if (state === 'breached') expect(breachedAt).toBeDefined();
        if (state === 'breached') expect(+hour(now)).toBeGreaterThan(+(dueAt ?? 0));
        if (breachedAt !== undefined) expect(+breachedAt).toBeLessThanOrEqual(+hour(now));
      }),
    );
  });

  it('consists of events that the log can hold', () => {
    fc.assert(fc.property(history, (events) => events.every((one) => eventSchema.safeParse(one).success)));
  });
});
