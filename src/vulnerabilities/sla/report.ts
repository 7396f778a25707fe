// SPDX-License-Identifier: Apache-2.0
import { type SlaReading, type SlaState, readClocks } from './clock.ts';
import type { SlaEvent } from './events.ts';
import { describePolicy, SEVERITIES, type SlaPolicy, type SlaSeverity } from './policy.ts';

/** Times to fix of one severity, in hours from the start of the clock: the median and the 90th percentile (nearest rank). */
export interface TimeToFix {
  readonly severity: SlaSeverity;
  readonly fixed: number;
  readonly p50: number | undefined;
  readonly p90: number | undefined;
}

/** An open finding that will breach at `dueAt` unless a fix is published before. */
export interface Forecast {
  readonly vulnerability: string;
  readonly product: string;
  readonly severity: SlaSeverity;
  readonly dueAt: Date;
  readonly hoursLeft: number;
  readonly fixAvailable: boolean;
}

/** What was so between two moments, as it stood at the later one. */
export interface SlaReport {
  readonly policy: { readonly name: string; readonly text: string };
  readonly from: Date;
  readonly to: Date;
  readonly counts: Readonly<Record<SlaState, number>>;
  /** Share of clocks stopped in the time that were stopped in time, in percent; undefined where none was. */
  readonly metPercent: number | undefined;
  readonly timeToFix: readonly TimeToFix[];
  /** Every clock that ran, or was stopped, in the time. */
  readonly clocks: readonly SlaReading[];
  /** Clocks that went over time within it. */
  readonly breaches: readonly SlaReading[];
  /** Open ones by due moment. */
  readonly forecast: readonly Forecast[];
}

const HOUR = 3_600_000;
const OPEN: readonly SlaState[] = ['waiting', 'running', 'at-risk', 'breached'];

/**
 * Takes a policy, the events of a log and a time; gives the report on it by what was known at `to`. Nothing else enters, so the same
 * log gives the same report on any later day. Clocks that were stopped before `from` are left out.
 */
export function reportSla(
  policy: SlaPolicy,
  events: readonly SlaEvent[],
  { from, to }: { readonly from: Date; readonly to: Date },
): SlaReport {
  const lastEvents = lastEventOf(events, to);
  const clocks = readClocks(policy, events, to).filter((clock) => {
    if (OPEN.includes(clock.state)) return true;
    return (clock.publishedAt ?? lastEvents.get(`${clock.product}\n${clock.vulnerability}`) ?? to) >= from;
  });
  const stopped = clocks.filter(({ state }) => state === 'met' || state === 'missed');
  const met = stopped.filter(({ state }) => state === 'met').length;
  return {
    policy: { name: policy.name, text: describePolicy(policy) },
    from,
    to,
    counts: countStates(clocks),
    metPercent: stopped.length === 0 ? undefined : Math.round((met * 1000) / stopped.length) / 10,
    timeToFix: SEVERITIES.map((severity) => timeToFix(severity, stopped)),
    clocks,
    breaches: clocks.filter(({ breachedAt }) => breachedAt !== undefined && breachedAt >= from && breachedAt <= to),
    forecast: forecastBreaches(clocks, to),
  };
}

function lastEventOf(events: readonly SlaEvent[], to: Date): ReadonlyMap<string, Date> {
  const last = new Map<string, Date>();
  for (const { at, product, vulnerability } of events) {
    const moment = new Date(at);
    if (moment <= to) last.set(`${product}\n${vulnerability}`, moment);
  }
  return last;
}

/** Takes clocks as they stood at `now`; gives the open ones that will breach, and when, the first one first. */
export function forecastBreaches(clocks: readonly SlaReading[], now: Date): readonly Forecast[] {
  return clocks
    .flatMap(({ state, dueAt, vulnerability, product, severity, fixAvailableAt }): Forecast[] => {
      if ((state !== 'running' && state !== 'at-risk') || dueAt === undefined) return [];
      const hoursLeft = Math.floor((+dueAt - +now) / HOUR);
      return [{ vulnerability, product, severity, dueAt, hoursLeft, fixAvailable: fixAvailableAt !== undefined }];
    })
    .sort((a, b) => +a.dueAt - +b.dueAt || (a.product < b.product ? -1 : 1));
}

function countStates(clocks: readonly SlaReading[]): SlaReport['counts'] {
  const counts = { waiting: 0, running: 0, 'at-risk': 0, breached: 0, met: 0, missed: 0, excused: 0 };
  for (const { state } of clocks) counts[state] += 1;
  return counts;
}

function timeToFix(severity: SlaSeverity, stopped: readonly SlaReading[]): TimeToFix {
  const hours = stopped
    .filter((clock) => clock.severity === severity)
    .flatMap(({ startedAt, publishedAt }) =>
      // What was fixed before the clock would have started took no time.
      publishedAt === undefined ? [] : [Math.max(0, +publishedAt - +(startedAt ?? publishedAt)) / HOUR],
    )
    .sort((a, b) => a - b);
  const rank = (percent: number) => {
    const found = hours[Math.ceil((percent / 100) * hours.length) - 1];
    return found === undefined ? undefined : Math.round(found * 10) / 10;
  };
  return { severity, fixed: hours.length, p50: rank(50), p90: rank(90) };
}
