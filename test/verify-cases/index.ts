// SPDX-License-Identifier: Apache-2.0
// What `oakum verify` must refuse, and what it must not: prepared once, judged by us and by cosign.
import { digestOf, hexOf } from '#core';
import { ATTESTATIONS } from './attestations.ts';
import type { VerifyCase } from './case.ts';
import { GOOD } from './good.ts';
import { IDENTITIES } from './identities.ts';
import { KEYS } from './keys.ts';
import { LOGS } from './logs.ts';
import { REFERRERS } from './referrers.ts';

export type { Answer, Question, VerifyCase } from './case.ts';

/** Cases for a registry with the referrers API. */
export const CASES: readonly VerifyCase[] = [
  ...GOOD,
  ...KEYS,
  ...LOGS,
  ...IDENTITIES,
  ...ATTESTATIONS,
  ...REFERRERS.slice(0, 2),
];

/** Cases for one without: the list of referrers is a tag that anybody may write. */
export const FALLBACK_CASES: readonly VerifyCase[] = REFERRERS.slice(2);

/** Gives a repository's name for a case. */
export function repositoryOf({ name }: VerifyCase): string {
  return `case/${hexOf(digestOf(name)).slice(0, 12)}`;
}

/** Gives the cases as the table in docs/evidence-verify.md shows them; the conformance test compares. */
export function tableOf(cases: readonly VerifyCase[]): string {
  const rows = cases.map(({ name, expected, cosign, cosign2 = '-', note = '' }) =>
    `| ${name} | ${expected} | ${cosign} | ${cosign2} | ${note} |`.replace(/ {2,}/g, ' '),
  );
  return ['| case | Oakum | cosign 3 | cosign 2 | why they differ |', '|---|---|---|---|---|', ...rows].join('\n');
}
