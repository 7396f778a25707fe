// SPDX-License-Identifier: Apache-2.0
import { type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { DOCUMENTATION_BASE, parseStatement, type Signer, STATEMENT_MEDIA_TYPE, toStatement } from '#evidence';
import { type Json, preAuthEncoding } from '#formats';
import type { ChainPoint } from './chain.ts';

/** The predicate type of the statement that seals a log up to one of its lines. */
export const SEAL_TYPE = `${DOCUMENTATION_BASE}/sla-log-seal/v1`;

/** Says whether a bundle is signed by somebody who may seal the log; {@link Signer} `recognises` and {@link sealedByKeys} are such. */
export type SealCheck = (bundle: Json) => Promise<boolean>;

/** Signs the state of a log: its name, and the place and digest of its last line, which cover every line before. */
export async function seal(name: string, point: ChainPoint, signer: Pick<Signer, 'sign'>): Promise<Json> {
  const statement = toStatement({ name, digest: point.digest }, SEAL_TYPE, { sequence: point.sequence });
  return (await signer.sign(statement)).bundle;
}

const envelopeSchema = z.object({
  dsseEnvelope: z.object({
    payloadType: z.literal(STATEMENT_MEDIA_TYPE),
    payload: z.base64(),
    signatures: z.array(z.object({ sig: z.base64() })).length(1),
  }),
});

/** Takes a seal's bundle; gives what it says was sealed, undefined where it says nothing of the kind. Verifies no signature. */
export function sealedPoint(bundle: Json): (ChainPoint & { readonly name: string }) | undefined {
  const envelope = envelopeSchema.safeParse(bundle);
  if (!envelope.success) return undefined;
  try {
    const payload = Buffer.from(envelope.data.dsseEnvelope.payload, 'base64');
    const { predicateType, predicate, subject } = parseStatement(payload, 'seal');
    const [first, ...others] = subject;
    const { sequence } = z.object({ sequence: z.int().min(0) }).parse(predicate);
    if (predicateType !== SEAL_TYPE || first === undefined || others.length > 0) return undefined;
    return { name: first.name, sequence, digest: `sha256:${first.digest['sha256'] ?? ''}` };
  } catch {
    return undefined;
  }
}

/** Gives the check that any of these public keys signed a seal. A bundle's certificate counts for nothing here. */
export function sealedByKeys(keys: readonly KeyObject[]): SealCheck {
  return async (bundle) => {
    const parsed = envelopeSchema.safeParse(bundle);
    if (!parsed.success) return false;
    const { payload, payloadType, signatures } = parsed.data.dsseEnvelope;
    const signed = preAuthEncoding(payloadType, Buffer.from(payload, 'base64'));
    const signature = Buffer.from(signatures[0]?.sig ?? '', 'base64');
    return keys.some((key) => verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', signed, key, signature));
  };
}
