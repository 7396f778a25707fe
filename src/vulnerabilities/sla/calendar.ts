// SPDX-License-Identifier: Apache-2.0

/** The days of a week, as they are written in a policy. */
export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

/** One of {@link WEEKDAYS}. */
export type Weekday = (typeof WEEKDAYS)[number];

/** When support works: whole days of the week in a time zone (IANA name), holidays (YYYY-MM-DD) apart. */
export interface SupportCalendar {
  readonly timeZone: string;
  readonly supportDays: readonly Weekday[];
  readonly holidays: readonly string[];
}

const DAY = 86_400_000;
/** No stretch without a support day is longer than this; a policy that says otherwise is refused as it is read. */
const MOST_DAYS = 10_000;

/** Says whether a text is a time zone that this machine knows. */
export function isTimeZone(text: string): boolean {
  try {
    formatOf(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives the end of `days` support days that begin at `start`: the same time of day, that many support days later, in the
 * calendar's time zone and across its clock changes. What begins outside a support day begins with the next one at midnight; what
 * begins at midnight is over at the midnight that ends the last day. So Wednesday 15:00 and five days is Wednesday 15:00, and
 * Saturday is the end of Friday.
 */
export function addSupportDays(start: Date, days: number, calendar: SupportCalendar): Date {
  const local = toLocal(start, calendar.timeZone);
  let day = Math.floor(local / DAY) * DAY;
  let time = local - day;
  if (!isSupportDay(day, calendar)) {
    day = nextSupportDay(day, calendar);
    time = 0;
  }
  const steps = time === 0 ? days - 1 : days;
  for (let step = 0; step < steps; step += 1) day = nextSupportDay(day, calendar);
  return fromLocal(day + (time === 0 ? DAY : time), calendar.timeZone);
}

/** Days are counted as UTC midnights that stand for the local date. */
function isSupportDay(day: number, { supportDays, holidays }: SupportCalendar): boolean {
  const date = new Date(day);
  const weekday = WEEKDAYS[date.getUTCDay()];
  return weekday !== undefined && supportDays.includes(weekday) && !holidays.includes(date.toISOString().slice(0, 10));
}

function nextSupportDay(day: number, calendar: SupportCalendar): number {
  for (let next = day + DAY; next <= day + MOST_DAYS * DAY; next += DAY) {
    if (isSupportDay(next, calendar)) return next;
  }
  throw new RangeError('the calendar has no support day');
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const number = '2-digit';
  const fields = { month: number, day: number, hour: number, minute: number, second: number } as const;
  const made = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', year: 'numeric', ...fields });
  formats.set(timeZone, made);
  return made;
}

/** The wall clock in a time zone, as milliseconds of a UTC time that shows the same. */
function toLocal(at: Date, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const milliseconds = ((at.getTime() % 1000) + 1000) % 1000;
  return Date.UTC(year, month - 1, day, hour, minute, second) + milliseconds;
}

/** The moment at which the wall clock shows a time: the first of two where it is set back, the moment of the jump where it is skipped. */
function fromLocal(local: number, timeZone: string): Date {
  const offsets = [-DAY, DAY].map((shift) => {
    const at = new Date(local + shift);
    return toLocal(at, timeZone) - at.getTime();
  });
  const moments = offsets.map((offset) => local - offset).sort((a, b) => a - b);
  const exact = moments.find((moment) => toLocal(new Date(moment), timeZone) === local);
  return new Date(exact ?? moments[1] ?? local);
}
