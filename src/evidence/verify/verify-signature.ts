// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { collectClaims, type Judging } from './collect.ts';
import { signatureChecks } from './evaluate.ts';
import { type NamedEvidence, hasNamed, namedChecks } from './named.ts';
import type { Check } from './report.ts';

/** What {@link verifySignature} needs: the digest, how to call it, and who is believed. */
export interface VerifySignatureRequest extends Judging {
  readonly digest: Digest;
  /** How the checks call it. */
  readonly subject: string;
  /** Evidence that must hang on it as well. */
  readonly named?: readonly NamedEvidence[];
}

/**
 * Checks that somebody the policy believes has signed a manifest of whatever kind: who, proved how, about this very digest. Nothing
 * below it is read. Throws nothing but defects.
 */
export async function verifySignature(request: VerifySignatureRequest): Promise<readonly Check[]> {
  const { digest, subject, named = [] } = request;
  const collected = await collectClaims(
    digest,
    request,
    async (claims) => claims.some(({ type }) => type === 'signature') && hasNamed(claims, named, digest),
  );
  return [...signatureChecks(collected, subject), ...namedChecks(named, { digest, subject, collected })];
}
