// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { FormatError, parseDeb822 } from '#formats';
import { BaseError } from './error.ts';

/** One index that a Release file vouches for. */
export interface ReleaseIndex {
  readonly digest: Digest;
  readonly size: number;
}

/** A Release file's fields that matter here (Debian wiki, DebianRepository/Format, "Release" files). */
export interface Release {
  readonly suite: string;
  readonly codename: string;
  readonly date: Date;
  readonly validUntil: Date | undefined;
  /** Acquire-By-Hash: indexes are also found under their digests, which a mirror's update can't pull away. */
  readonly byHash: boolean;
  /** Whether packages of architecture `all` stand in an index of their own instead of in each architecture's. */
  readonly separateAll: boolean;
  /** By path below `dists/<suite>/`. */
  readonly indexes: ReadonlyMap<string, ReleaseIndex>;
}

const ENTRY = /^([0-9a-f]{64})\s+(\d{1,15})\s+(\S+)$/;

/** Takes the signed text of a Release file; gives its fields. Throws `BASE_RELEASE_INVALID`. */
export function parseRelease(text: string, where: string): Release {
  const fields = readStanza(text, where);
  const need = (name: string) => {
    const value = fields.get(name.toLowerCase());
    if (value === undefined || value === '') throw invalid(`the field ${name} is missing`, where);
    return value;
  };
  const indexes = new Map<string, ReleaseIndex>();
  for (const line of need('SHA256').split('\n')) {
    if (line.trim() === '') continue;
    const [, hex, size, path] = ENTRY.exec(line.trim()) ?? [];
    if (hex === undefined || size === undefined || path === undefined) throw invalid('a malformed SHA256 line', where);
    if (indexes.has(path)) throw invalid(`the index ${path} stands there twice`, where);
    indexes.set(path, { digest: `sha256:${hex}`, size: Number(size) });
  }
  const architectures = (fields.get('architectures') ?? '').split(/\s+/);
  const noSeparateAll = (fields.get('no-support-for-architecture-all') ?? '').split(/\s+/).includes('Packages');
  const codename = fields.get('codename') ?? fields.get('suite');
  const validUntil = fields.get('valid-until');
  return {
    suite: fields.get('suite') ?? need('Codename'),
    codename: codename ?? need('Codename'),
    date: parseDate(need('Date'), 'Date', where),
    validUntil: validUntil === undefined ? undefined : parseDate(validUntil, 'Valid-Until', where),
    byHash: fields.get('acquire-by-hash') === 'yes',
    separateAll: architectures.includes('all') && !noSeparateAll,
    indexes,
  };
}

function readStanza(text: string, where: string): ReadonlyMap<string, string> {
  try {
    const [stanza, ...more] = parseDeb822(text, where);
    if (stanza === undefined || more.length > 0) throw invalid('it does not hold exactly one stanza', where);
    return stanza;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw invalid(error.message, error.where ?? where, error);
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 1123 dates in UTC, as the format demands; anything looser would be read by guesswork. */
function parseDate(text: string, field: string, where: string): Date {
  const match = /^[A-Z][a-z]{2}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:UTC|GMT|\+0000|Z)$/.exec(
    text,
  );
  const month = MONTHS.indexOf(match?.[2] ?? '');
  if (match === null || month === -1) throw invalid(`the field ${field} is no date in UTC: ${text}`, where);
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((group) => Number(match[group]));
  return new Date(Date.UTC(year as number, month, day, hour, minute, second));
}

function invalid(what: string, where: string, cause?: unknown): BaseError {
  return new BaseError('BASE_RELEASE_INVALID', `a Release file is malformed: ${what}`, { where, cause });
}
