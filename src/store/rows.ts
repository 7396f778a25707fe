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
  return sql`${JSON.stringify(storable(value))}::jsonb`;
}

/** Gives a value as the store would give it back. */
export function storable<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\uFFFD') as T;
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(storable) as T;
  const entries = Object.entries(value).flatMap(([key, one]) =>
    one === undefined ? [] : [[storable(key), storable(one)] as const],
  );
  return Object.fromEntries(entries) as T;
}
