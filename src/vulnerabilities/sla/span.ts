// SPDX-License-Identifier: Apache-2.0
import { addSupportDays, type SupportCalendar } from './calendar.ts';

/** A length of time in a promise: hours and days run through, support days skip weekends and holidays. */
export interface Span {
  readonly amount: number;
  readonly unit: 'hours' | 'days' | 'support days';
}

const SPAN = /^(\d{1,4}) (hour|day|support day)s?$/;
const HOUR = 3_600_000;

/** Takes `72 hours`, `7 days` or `5 support days`; gives the span, undefined where the text is none or is zero. */
export function parseSpan(text: string): Span | undefined {
  const [, amount, unit] = SPAN.exec(text) ?? [];
  if (amount === undefined || Number(amount) === 0) return undefined;
  return { amount: Number(amount), unit: `${unit}s` as Span['unit'] };
}

/** Gives a span as {@link parseSpan} reads it. */
export function formatSpan({ amount, unit }: Span): string {
  return `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`;
}

/** Gives the moment at which a span that begins at `start` is over. */
export function endOf(span: Span, start: Date, calendar: SupportCalendar): Date {
  if (span.unit === 'support days') return addSupportDays(start, span.amount, calendar);
  return new Date(start.getTime() + span.amount * (span.unit === 'hours' ? HOUR : 24 * HOUR));
}
