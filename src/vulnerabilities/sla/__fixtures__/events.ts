// SPDX-License-Identifier: Apache-2.0
import type { SlaEvent } from '../events.ts';

const HOUR = 3_600_000;

/** A Wednesday. */
export const BEGIN = Date.parse('2026-08-05T09:00:00.000Z');

/** The moment so many hours after {@link BEGIN}. */
export function hour(hours: number): Date {
  return new Date(BEGIN + hours * HOUR);
}

type Tail<K extends SlaEvent['kind']> = Omit<Extract<SlaEvent, { kind: K }>, 'kind' | 'at' | 'vulnerability' | 'product'>;

/** An event so many hours after {@link BEGIN}, about one finding unless told. */
export function event<K extends SlaEvent['kind']>(
  kind: K,
  hours: number,
  rest: Tail<K> & { readonly product?: string; readonly vulnerability?: string },
): SlaEvent {
  const subject = { vulnerability: 'CVE-2026-0001', product: '2.9/distroless/source-controller' };
  return { kind, at: hour(hours).toISOString(), ...subject, ...rest } as unknown as SlaEvent;
}

/** The detection of a critical one. */
export function detected(hours = 0, severity: 'critical' | 'high' | 'low' | 'unknown' = 'critical'): SlaEvent {
  return event('detected', hours, { severity });
}

/** Its publication. */
export function published(hours: number): SlaEvent {
  return event('published', hours, { revision: '2.9.2-r1' });
}
