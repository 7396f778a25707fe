// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject } from 'node:crypto';
import { EvidenceError } from '../error.ts';
import { requireSupported, verifyBytes } from './algorithm.ts';
import type { Identity } from './identity.ts';
import { createSigner, type Signer } from './signer.ts';
import { NO_WITNESSES, openWitnesses, type WitnessOptions } from './witnesses.ts';

/** How a service signs a SHA-256 digest: ECDSA (DER) or RSA with PKCS #1 v1.5 padding. */
export type DigestAlgorithm = 'ecdsa-sha256' | 'rsa-pkcs1-sha256';

/** A key in a key management service, which never lets it out. */
export interface KeyService {
  /** Which service and key, for people. */
  readonly description: string;
  publicKey(): Promise<KeyObject>;
  /** Signs a digest of 32 bytes as it is. */
  signDigest(digest: Uint8Array, algorithm: DigestAlgorithm): Promise<Uint8Array>;
}

/**
 * Gives a signer whose key is in a service. Each signature is checked when it comes: a service, or an emulator, that hashes
 * the digest again is found out here and not by users. Throws `KEY_UNSUPPORTED`, `KMS_SIGNATURE_WRONG`.
 */
export function createKmsSigner(service: KeyService, witnesses?: WitnessOptions): Signer {
  let opened: Promise<Identity> | undefined;
  return createSigner({
    kind: 'kms',
    description: service.description,
    open: () => (opened ??= openIdentity(service)),
    witnesses: witnesses === undefined ? NO_WITNESSES : openWitnesses(witnesses),
  });
}

async function openIdentity(service: KeyService): Promise<Identity> {
  const publicKey = await service.publicKey();
  requireSupported(publicKey, service.description);
  const algorithm = algorithmOf(publicKey, service.description);
  return {
    publicKey,
    certificates: [],
    signBytes: async (bytes) => {
      const digest = createHash('sha256').update(bytes).digest();
      const signature = Buffer.from(await service.signDigest(digest, algorithm));
      if (verifyBytes(publicKey, bytes, signature)) return signature;
      throw new EvidenceError('KMS_SIGNATURE_WRONG', 'the service gave a signature that its own key does not verify', {
        where: service.description,
        hint: 'An emulator may hash the digest again; a real service should be asked why.',
      });
    },
  };
}

function algorithmOf(publicKey: KeyObject, where: string): DigestAlgorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  if (type === 'rsa') return 'rsa-pkcs1-sha256';
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ecdsa-sha256';
  throw new EvidenceError('KEY_UNSUPPORTED', 'this kind of key can not sign a SHA-256 digest in the service', {
    where,
    hint: 'Use a key of ECDSA P-256, or RSA with 2048 bits or more.',
  });
}
