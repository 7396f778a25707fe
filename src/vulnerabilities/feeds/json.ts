// SPDX-License-Identifier: Apache-2.0
import { measureJson } from '#formats';
import { VulnerabilityError } from '../error.ts';

/** Deeper than any feed's records, and shallow enough that no recursion over them runs out of stack. */
export const MAX_DEPTH = 32;

/**
 * Parses JSON (RFC 8259) of a stranger: UTF-8, and nested no deeper than feeds are. `where` is the URL or file for the
 * error. Throws `FEED_INVALID`.
 */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  if (measureJson(bytes).depth > MAX_DEPTH) throw tooDeep(where);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new VulnerabilityError('FEED_INVALID', 'it is no JSON, or cut short', { where });
  }
}

/**
 * Gives a value's one text: keys in the order of their UTF-16 code units, no space. Unlike the canonical JSON of what
 * Oakum writes itself, numbers may have fractions: advisories do.
 */
export function stableJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${stableJson(member)}`);
  return `{${members.join(',')}}`;
}

/** The error for JSON that is nested too deep. */
export function tooDeep(where: string): VulnerabilityError {
  return new VulnerabilityError('FEED_INVALID', `its JSON is nested more than ${MAX_DEPTH} levels deep`, { where });
}
