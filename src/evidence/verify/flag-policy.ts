// SPDX-License-Identifier: Apache-2.0
import { digestOf } from '#core';
import { canonicalJson, type Json } from '#formats';
import { EvidenceError } from '../error.ts';
import { type Policy, settle, type Transparency } from './policy.ts';
import { policySchema } from './policy-schema.ts';

/** A policy in the words of flags, as cosign has them. */
export interface FlagPolicy {
  readonly keys: readonly string[];
  readonly identity?: string;
  readonly identityPattern?: string;
  readonly issuer?: string;
  readonly issuerPattern?: string;
  readonly trustedRoot?: string;
  readonly transparency?: Transparency;
  readonly attestations?: readonly string[];
}

/**
 * Takes what flags say and how to read the files they name; gives the policy: a signature of the image by one of the keys
 * or by the identity, and the attestations named. Throws `POLICY_INVALID`.
 */
export async function toFlagPolicy(flags: FlagPolicy, read: (path: string) => Promise<string>): Promise<Policy> {
  const transparency = flags.transparency === undefined ? {} : { transparency: flags.transparency };
  const named = {
    ...(flags.identity === undefined ? {} : { identity: flags.identity }),
    ...(flags.identityPattern === undefined ? {} : { identityPattern: flags.identityPattern }),
    ...(flags.issuer === undefined ? {} : { issuer: flags.issuer }),
    ...(flags.issuerPattern === undefined ? {} : { issuerPattern: flags.issuerPattern }),
  };
  const value: Json = {
    version: 1,
    identities: [
      ...flags.keys.map((key) => ({ key, ...transparency })),
      ...(Object.keys(named).length === 0 ? [] : [{ ...named, ...transparency }]),
    ],
    ...(flags.trustedRoot === undefined ? {} : { trustedRoot: flags.trustedRoot }),
    require: { attestations: [...(flags.attestations ?? [])] },
  };
  const parsed = policySchema.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new EvidenceError('POLICY_INVALID', `the flags make no policy: ${faults.join('; ')}`);
  }
  return settle(parsed.data, { read, uri: 'flags', digest: digestOf(canonicalJson(value)) });
}
