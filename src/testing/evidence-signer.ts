// SPDX-License-Identifier: Apache-2.0
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { BUNDLE_TYPE, type CosignTags, type EvidenceSigner, STATEMENT_MEDIA_TYPE } from '#evidence';
import { canonicalJson, type Json, preAuthEncoding, toDsseEnvelope } from '#formats';

/** A signer with a key pair (ECDSA P-256) of its own, that counts what it signs. */
export interface TestSigner extends EvidenceSigner, Omit<CosignTags, 'reference'> {
  /** PEM. */
  readonly publicKey: string;
  readonly signed: () => number;
}

/** Makes a {@link TestSigner}, so that publishing can be tested apart from signing. */
export function createTestSigner(): TestSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const hint = createHash('sha256').update(der).digest('base64');
  let signed = 0;
  const signBytes = (bytes: Uint8Array) => {
    signed += 1;
    return sign('sha256', bytes, privateKey);
  };
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    signed: () => signed,
    sign: async (statement) => {
      const payload = Buffer.from(canonicalJson(statement as unknown as Json));
      const signature = signBytes(preAuthEncoding(STATEMENT_MEDIA_TYPE, payload));
      const dsseEnvelope = toDsseEnvelope(STATEMENT_MEDIA_TYPE, payload, signature) as unknown as Json;
      return { bundle: { mediaType: BUNDLE_TYPE, verificationMaterial: { publicKey: { hint } }, dsseEnvelope } };
    },
    recognises: (bundle) => {
      const { dsseEnvelope } = bundle as unknown as { dsseEnvelope: ReturnType<typeof toDsseEnvelope> };
      const payload = Buffer.from(dsseEnvelope.payload, 'base64');
      const signature = Buffer.from(dsseEnvelope.signatures[0]?.sig ?? '', 'base64');
      return verify('sha256', preAuthEncoding(dsseEnvelope.payloadType, payload), publicKey, signature);
    },
    signPayload: async (payload) => ({ signature: signBytes(payload).toString('base64') }),
    recognisesPayload: (payload, { signature }) =>
      verify('sha256', payload, publicKey, Buffer.from(signature, 'base64')),
  };
}
