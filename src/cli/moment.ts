// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';

/** Reads a day or an RFC 3339 time. A day is meant from its beginning for --from, to its end for --to. Throws `FLAG_INVALID`. */
export function readMoment(text: string, flag: 'from' | 'to'): Date {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  const full = day ? `${text}T${flag === 'from' ? '00:00:00.000' : '23:59:59.999'}Z` : text;
  const moment = new Date(full);
  const isReal = !Number.isNaN(moment.getTime()) && (!day || moment.toISOString().startsWith(text));
  if ((day || time) && isReal) return moment;
  throw new OakumError('usage', 'FLAG_INVALID', `--${flag} takes a day or an RFC 3339 time, not "${text}"`);
}
