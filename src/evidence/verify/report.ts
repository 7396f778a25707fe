// SPDX-License-Identifier: Apache-2.0
import type { Digest, ErrorFamily } from '#core';

/** What a check is about. */
export type CheckName =
  | 'image'
  | 'signature'
  | 'identity'
  | 'transparency'
  | 'subject'
  | 'attestation'
  | 'evidence'
  | 'builder'
  | 'level'
  | 'source'
  | 'sbom'
  | 'content';

/** One check: what it is about, of what, how it went and why. `unknown` means that it could not be made. */
export interface Check {
  readonly name: CheckName;
  /** `index`, `manifest`, or a platform. */
  readonly subject: string;
  readonly outcome: 'passed' | 'failed' | 'unknown';
  readonly reason: string;
}

/** A piece of evidence that was looked at. */
export interface EvidenceItem {
  readonly subject: Digest;
  /** `signature`, a predicate type, or `unknown` where it could not be read. */
  readonly type: string;
  readonly place: string;
  readonly trusted: boolean;
  /** Why it is not trusted, or who signed it. */
  readonly reason: string;
  readonly digest?: Digest;
}

/** Trusted, not trusted, or not to be decided since something could not be reached. */
export type Verdict = 'trusted' | 'not-trusted' | 'undecided';

/** What came of verifying one image. */
export interface VerificationReport {
  readonly image: string;
  readonly digest: Digest | undefined;
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
  readonly warnings: readonly string[];
  /** The SLSA build level that was proved for every platform; undefined where the policy does not ask. */
  readonly level: number | undefined;
  readonly evidence: readonly EvidenceItem[];
  readonly policy: { readonly uri: string; readonly digest: Digest };
  /** When it was verified (ISO 8601). */
  readonly time: string;
  /** Why it is undecided: the error's family, code and message. */
  readonly failure: { readonly family: ErrorFamily; readonly code: string; readonly message: string } | undefined;
}

/** Takes the checks; gives the verdict: one that failed decides, then one that could not be made. No check at all is no trust. */
export function verdictOf(checks: readonly Pick<Check, 'outcome'>[]): Verdict {
  if (checks.some(({ outcome }) => outcome === 'failed') || checks.length === 0) return 'not-trusted';
  return checks.every(({ outcome }) => outcome === 'passed') ? 'trusted' : 'undecided';
}
