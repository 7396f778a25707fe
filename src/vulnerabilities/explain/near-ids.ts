// SPDX-License-Identifier: Apache-2.0
import type { Feeds } from '../feeds/feed.ts';

const MOST = 5;

/** Most characters of an id that near ones are looked for: the number of candidates grows with its length. */
const LONGEST = 40;

const DIGITS = '0123456789';
const GHSA_LETTERS = '23456789cfghjmpqrvwx'; // the alphabet of GHSA ids (https://github.com/github/advisory-database)

/**
 * Gives ids of the feeds that differ from one that is not there by one slip: a character too many, too few, another, or two
 * swapped; letters in the wrong case. At most five.
 */
export async function nearIds(feeds: Feeds, id: string): Promise<readonly string[]> {
  if (id.length > LONGEST) return [];
  const plain = inUsualCase(id);
  const candidates = new Set([plain, ...slips(plain)]);
  const found = (await feeds.advisoriesById(candidates)) as readonly {
    readonly id: string;
    readonly aliases?: readonly string[] | null;
  }[];
  const names = new Set(found.flatMap((one) => [one.id, ...(one.aliases ?? [])]));
  return [...candidates].filter((one) => names.has(one)).slice(0, MOST);
}

/** `cve-2026-1` is CVE-2026-1; GHSA ids have small letters behind capital ones. */
export function inUsualCase(id: string): string {
  const trimmed = id.trim();
  return /^ghsa-/i.test(trimmed) ? `GHSA${trimmed.slice(4).toLowerCase()}` : trimmed.toUpperCase();
}

/** The prefix is not where people slip; it stays. */
function slips(id: string): readonly string[] {
  const start = id.indexOf('-') + 1;
  const [prefix, rest] = [id.slice(0, start), id.slice(start)];
  const letters = id.startsWith('GHSA-') ? GHSA_LETTERS : DIGITS;
  const all: string[] = [];
  for (let at = 0; at <= rest.length; at += 1) {
    const [before, here, after] = [rest.slice(0, at), rest.charAt(at), rest.slice(at + 1)];
    all.push(`${before}${after}`);
    if (after !== '') all.push(`${before}${after.charAt(0)}${here}${after.slice(1)}`);
    for (const letter of letters) all.push(`${before}${letter}${after}`, `${before}${letter}${here}${after}`);
  }
  return all.map((one) => `${prefix}${one}`);
}
