// SPDX-License-Identifier: Apache-2.0
import { type Digest, type ErrorFamily, messageOf, OakumError } from '#core';
import { type Check, type Verdict, verdictOf } from '#evidence';

/** One check of a release: what it is about, of what part of a piece, how it went and why. */
export interface ReleaseCheck extends Omit<Check, 'name'> {
  readonly name: Check['name'] | 'document' | 'manifests' | 'pins' | 'predecessor';
}

/** Why a piece could not be checked: the error's family, code and message. */
export interface ReleaseFailure {
  readonly family: ErrorFamily;
  readonly code: string;
  readonly message: string;
}

/** A piece of a release and what came of its checks. */
export interface PieceReport {
  readonly kind: 'document' | 'image' | 'manifests' | 'predecessor' | 'pins';
  /** Its name in the place: `releases:2.9.2-r0`, `distroless/source-controller`; of pins the file. */
  readonly name: string;
  readonly digest: Digest | undefined;
  readonly verdict: Verdict;
  readonly checks: readonly ReleaseCheck[];
  readonly failure: ReleaseFailure | undefined;
}

/** What came of verifying a release: one verdict over all of its pieces. */
export interface ReleaseReport {
  /** As it was named. */
  readonly release: string;
  readonly revision: string | undefined;
  readonly digest: Digest | undefined;
  readonly verdict: Verdict;
  readonly pieces: readonly PieceReport[];
  readonly warnings: readonly string[];
  readonly policy: { readonly uri: string; readonly digest: Digest };
  /** When it was verified (ISO 8601). */
  readonly time: string;
}

/** Gives a piece's report from its checks. */
export function toPiece(
  about: Pick<PieceReport, 'kind' | 'name' | 'digest'>,
  checks: readonly ReleaseCheck[],
  failure?: ReleaseFailure,
): PieceReport {
  const verdict = verdictOf(checks);
  return { ...about, verdict, checks, failure: verdict === 'undecided' ? failure : undefined };
}

/** Content that is wrong, or named and not there, is a verdict; a place that can't be reached leaves things open. Throws on what is no error of ours. */
export function toFailedCheck(
  error: unknown,
  check: Pick<ReleaseCheck, 'name' | 'subject'>,
): { readonly check: ReleaseCheck; readonly failure: ReleaseFailure } {
  if (!(error instanceof OakumError)) throw error;
  const { family, code, where } = error;
  const isOpen = family === 'network' || (family === 'registry' && !GONE.includes(code));
  const reason = where === undefined ? messageOf(error) : `${where}: ${error.message}`;
  return {
    check: { ...check, outcome: isOpen ? 'unknown' : 'failed', reason },
    failure: { family, code, message: error.message },
  };
}

/** Codes of a registry that has lost something, and says so. */
const GONE: readonly string[] = ['MANIFEST_UNKNOWN', 'BLOB_MISSING', 'REGISTRY_NAME_UNKNOWN', 'MANIFEST_INVALID'];
