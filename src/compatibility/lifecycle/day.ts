// SPDX-License-Identifier: Apache-2.0

/** A day in UTC, `YYYY-MM-DD`. Two days compare as texts. */
export type Day = string;

const MILLISECONDS = 86_400_000;

/** Says whether a text is a day that exists: `2026-02-30` is none. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && dayOf(new Date(time)) === text;
}

/** Gives the day that a moment lies in, in UTC. */
export function dayOf(moment: Date): Day {
  return moment.toISOString().slice(0, 10);
}

/** Gives how many days it is from one day to another; negative where the other lies before it. */
export function daysUntil(from: Day, to: Day): number {
  return (Date.parse(to) - Date.parse(from)) / MILLISECONDS;
}

/** Gives the same day some months later, or the last of that month where it has no such day. */
export function addMonths(day: Day, months: number): Day {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return dayOf(new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))));
}

/** Gives the earliest of some days, where any is known. */
export function earliestDay(days: readonly (Day | undefined)[]): Day | undefined {
  return inOrder(days)[0];
}

/** Gives the latest of some days, where any is known. */
export function latestDay(days: readonly (Day | undefined)[]): Day | undefined {
  return inOrder(days).at(-1);
}

function inOrder(days: readonly (Day | undefined)[]): readonly Day[] {
  return days.filter((day) => day !== undefined).sort((a, b) => (a < b ? -1 : 1));
}
