// SPDX-License-Identifier: Apache-2.0
import type { ErrorFamily } from '#core';
import type { Check, Verdict } from '#evidence';
import { EXIT_CODES, NOT_TRUSTED_EXIT_CODE } from './exit-codes.ts';

/** How outcomes of checks are shown. */
export const OUTCOMES: Readonly<Record<Check['outcome'], string>> = {
  passed: 'ok',
  failed: 'FAILED',
  unknown: 'unknown',
};

/** How verdicts are shown. */
export const VERDICTS: Readonly<Record<Verdict, string>> = {
  trusted: 'trusted',
  'not-trusted': 'NOT TRUSTED',
  undecided: 'could not be checked',
};

/** Gives a text in one line: what strangers wrote must not steer the terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}

/** Gives the exit code of verdicts: the worst decides; what could not be checked ends as its error would. */
export function exitCodeOfVerdicts(
  reports: readonly { readonly verdict: Verdict; readonly failure: { readonly family: ErrorFamily } | undefined }[],
): number {
  if (reports.some(({ verdict }) => verdict === 'not-trusted')) return NOT_TRUSTED_EXIT_CODE;
  const undecided = reports.find(({ verdict }) => verdict === 'undecided');
  return undecided === undefined ? 0 : EXIT_CODES[undecided.failure?.family ?? 'registry'].code;
}
