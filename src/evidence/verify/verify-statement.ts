// SPDX-License-Identifier: Apache-2.0
import { digestOf } from '#core';
import { canonicalJson, type Json } from '#formats';
import { checkThing, type ProvedSigner } from './check-thing.ts';
import type { Policy } from './policy.ts';
import { readBundle } from './read-bundle.ts';
import type { Trust } from './trust.ts';

/** What a bundle is checked against. */
export interface VerifyStatementOptions {
  readonly policy: Pick<Policy, 'identities'>;
  readonly trust: Trust;
  readonly now: Date;
  /** Where the bundle was found, for people. */
  readonly where: string;
}

/** Who signed a statement, or why it is believed of nobody. */
export type StatementVerdict =
  | { readonly trusted: true; readonly signer: ProvedSigner }
  | { readonly trusted: false; readonly reason: string };

/**
 * Takes a Sigstore bundle with an in-toto statement, signed by a key or with a certificate; says whether one of the policy's
 * identities, which is believed for statements of that type, signed it. What the statement says is for the caller to check. Never throws.
 */
export function verifyStatement(bundle: Json, options: VerifyStatementOptions): StatementVerdict {
  const { policy, trust, now, where } = options;
  const found = readBundle(trust.library, bundle, { place: where, digest: digestOf(canonicalJson(bundle)) });
  if (found.kind === 'fault') return { trusted: false, reason: found.reason };
  const { content } = found.thing;
  const type = content.kind === 'statement' ? content.statement.predicateType : '';
  const reasons: string[] = [];
  for (const identity of policy.identities) {
    if (identity.signs?.includes(type) === false) {
      reasons.push(`${identity.name} is not believed for ${type}`);
      continue;
    }
    const reading = checkThing(found.thing, identity, { trust, now });
    if (reading.trusted) return reading;
    reasons.push(reading.reason);
  }
  return { trusted: false, reason: reasons.join('; ') || 'the policy names nobody' };
}
