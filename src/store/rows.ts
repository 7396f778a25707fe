// SPDX-License-Identifier: Apache-2.0
import { type RawBuilder, sql } from 'kysely';

/** Rows that one statement takes: enough to make its overhead small, few enough for its memory. */
const BATCH = 5000;

/** Gives a list in parts that one statement takes each. */
export function* inBatches<T>(list: readonly T[], size = BATCH): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

/**
 * Gives any value as one JSON parameter. PostgreSQL has neither NUL nor half a surrogate pair in its texts; strangers may write
 * both, and each becomes U+FFFD.
 */
export function jsonParameter(value: unknown): RawBuilder<unknown> {
  const text = JSON.stringify(value);
  return sql`${UNSTORABLE.test(text) ? JSON.stringify(replaced(value)) : text}::jsonb`;
}

/** What JSON.stringify writes for a NUL and for half a surrogate pair; where it finds more than those, work is done in vain. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/;

/** Gives a value as the store would give it back. */
export function storable<T>(value: T): T {
  return UNSTORABLE.test(JSON.stringify(value)) ? replaced(value) : value;
}

function replaced<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\uFFFD') as T;
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(replaced) as T;
  const entries = Object.entries(value).flatMap(([key, one]) =>
    one === undefined ? [] : [[replaced(key), replaced(one)] as const],
  );
  return Object.fromEntries(entries) as T;
}
