// SPDX-License-Identifier: Apache-2.0
import { type CvssVersion, readVector } from './cvss.ts';

/** Ratings of CVSS (v3.1 and v4.0, section "Qualitative Severity Rating Scale"), and `unknown` for what nobody has scored. */
export const RATINGS = ['unknown', 'none', 'low', 'medium', 'high', 'critical'] as const;

/** How grave a finding is. `unknown` is no kind of low. */
export type Rating = (typeof RATINGS)[number];

/**
 * What one source says of a flaw's severity, as it said it: a vector is never converted to another version. `word` is a
 * rating in the source's own words (Debian's urgency, GitHub's level), which counts for nothing unless the policy says so;
 * `invalid` is a vector that does not follow its specification.
 */
export type Severity =
  | {
      readonly kind: 'cvss';
      readonly source: string;
      readonly version: CvssVersion;
      readonly vector: string;
      /** The base score, 0 to 10. */
      readonly score: number;
      readonly rating: Rating;
    }
  | { readonly kind: 'word'; readonly source: string; readonly word: string }
  | { readonly kind: 'invalid'; readonly source: string; readonly vector: string; readonly reason: string };

/** Which of several scores counts. */
export interface SeverityPolicy {
  /** CVSS versions by preference: the first that any source gives decides. A version that is not named never counts. */
  readonly versions: readonly CvssVersion[];
  /** Sources by preference (`GHSA-` matches all of that prefix); those not named come last and all alike. Of equals the highest score counts. */
  readonly sources: readonly string[];
}

/** CVSS 3.1 first, since that is what contracts and FedRAMP's legacy rules name. */
export const DEFAULT_SEVERITY_POLICY: SeverityPolicy = { versions: ['3.1', '3.0', '4.0', '2.0'], sources: [] };

/** The severity that counts, and whose it is; `by` is absent for `unknown`. */
export interface SeverityReading {
  readonly rating: Rating;
  readonly score?: number;
  readonly by?: { readonly source: string; readonly version: CvssVersion; readonly vector: string };
}

/** Takes the `severity` list of an OSV record and a word of its database; gives each, vectors checked and scored. */
export function readSeverities(
  list: readonly { readonly type: string; readonly score: string }[],
  { source, word }: { readonly source: string; readonly word?: unknown },
): readonly Severity[] {
  const scored = list.slice(0, 64).map(({ type, score }): Severity => {
    return type.startsWith('CVSS_') ? toSeverity(score, source) : { kind: 'word', source, word: `${type}: ${score}` };
  });
  return typeof word === 'string' && word !== '' ? [...scored, { kind: 'word', source, word }] : scored;
}

function toSeverity(vector: string, source: string): Severity {
  const reading = readVector(vector);
  if (reading.kind === 'invalid') return { ...reading, source, vector: vector.slice(0, 300) };
  const { version, score } = reading;
  return { kind: 'cvss', source, version, vector, score, rating: ratingOf(score, version) };
}

/** CVSS 2.0 has no scale of its own; NVD's is used: low to 3.9, medium to 6.9, high from 7.0. */
function ratingOf(score: number, version: CvssVersion): Rating {
  if (version === '2.0') return score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low';
  if (score === 0) return 'none';
  return score >= 9 ? 'critical' : score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low';
}

/** Takes all that is said of a flaw's severity; gives what counts by the policy. Without any score that is `unknown`. */
export function rateSeverity(
  severities: readonly Severity[],
  policy: SeverityPolicy = DEFAULT_SEVERITY_POLICY,
): SeverityReading {
  const scored = severities.filter((one) => one.kind === 'cvss');
  const version = policy.versions.find((candidate) => scored.some((one) => one.version === candidate));
  if (version === undefined) return { rating: 'unknown' };
  const place = (source: string) => {
    const index = policy.sources.findIndex(
      (name) => source === name || (name.endsWith('-') && source.startsWith(name)),
    );
    return index === -1 ? policy.sources.length : index;
  };
  const [best] = scored
    .filter((one) => one.version === version)
    .sort((a, b) => place(a.source) - place(b.source) || b.score - a.score || (a.source < b.source ? -1 : 1));
  if (best === undefined) return { rating: 'unknown' };
  const { source, vector, rating, score } = best;
  return { rating, score, by: { source, version, vector } };
}
