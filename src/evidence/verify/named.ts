// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { type Claim, claimTypeOf, type Collected } from './collect.ts';
import type { Check } from './report.ts';

/** A piece of evidence that somebody named by its digest: it must be there, be signed, and say what it was named for. */
export interface NamedEvidence {
  /** What it hangs on: an index or a manifest. */
  readonly subject: Digest;
  readonly predicateType: string;
  /** Of the referrer's manifest. */
  readonly digest: Digest;
}

/** Says whether all that was named of a subject is among its claims. */
export function hasNamed(claims: readonly Claim[], named: readonly NamedEvidence[], subject: Digest): boolean {
  return named.every((one) => one.subject !== subject || claims.some((claim) => isNamed(claim, one)));
}

/** Gives the check that all that was named of a subject is claimed, or one for each piece that is not. */
export function namedChecks(
  named: readonly NamedEvidence[],
  { digest, subject, collected }: { readonly digest: Digest; readonly subject: string; readonly collected: Collected },
): readonly Check[] {
  const own = named.filter((one) => one.subject === digest);
  if (own.length === 0) return [];
  const missing = own.filter((one) => !collected.claims.some((claim) => isNamed(claim, one)));
  if (missing.length === 0) {
    const reason = `all ${own.length} named pieces are there and signed`;
    return [{ name: 'evidence', subject, outcome: 'passed', reason }];
  }
  return missing.map((one) => missingCheck(one, { subject, collected }));
}

function missingCheck(
  { predicateType, digest }: NamedEvidence,
  { subject, collected }: { readonly subject: string; readonly collected: Collected },
): Check {
  const { claims, refusals, failure } = collected;
  const about = (outcome: Check['outcome'], reason: string): Check => ({
    name: 'evidence',
    subject,
    outcome,
    reason: `${predicateType} in ${digest}: ${reason}`,
  });
  const other = claims.find((claim) => claim.digest === digest);
  if (other !== undefined) return about('failed', `it claims ${other.type}`);
  const refused = refusals.find(({ place }) => place === `referrer ${digest}`);
  if (refused !== undefined) return about('failed', refused.reason);
  // What could not be read might be the very thing that is missing.
  if (failure !== undefined) return about('unknown', failure.message);
  return about('failed', 'it is not there');
}

function isNamed(claim: Claim, { predicateType, digest }: NamedEvidence): boolean {
  return claim.digest === digest && claim.type === claimTypeOf(predicateType);
}
