// SPDX-License-Identifier: Apache-2.0
import { type KeyObject, sign, verify } from 'node:crypto';
import { EvidenceError } from '../error.ts';

const CURVES = ['prime256v1', 'secp384r1'];

/**
 * Refuses a key that cosign would not verify: ECDSA on P-256 or P-384, Ed25519, and RSA of 2048 bits on are fine, all with
 * SHA-256 (P-384 with SHA-384 fails in cosign's defaults). Throws `KEY_UNSUPPORTED`.
 */
export function requireSupported(key: KeyObject, where: string): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  if (type === 'ed25519') return;
  if (type === 'ec' && CURVES.includes(details.namedCurve ?? '')) return;
  if (type === 'rsa' && (details.modulusLength ?? 0) >= 2048) return;
  const what = [type ?? 'unknown', details.namedCurve ?? details.modulusLength].filter((part) => part !== undefined);
  throw new EvidenceError('KEY_UNSUPPORTED', `a key of type ${what.join(' ')} can't sign evidence`, {
    where,
    hint: 'Use ECDSA P-256 or P-384, Ed25519, or RSA with 2048 bits or more.',
  });
}

/** Signs bytes: SHA-256 for ECDSA (DER) and RSA (PKCS #1 v1.5), Ed25519 as it is. */
export function signBytes(key: KeyObject, bytes: Uint8Array): Buffer {
  return sign(hashFor(key), bytes, key);
}

/** Checks what {@link signBytes} makes. */
export function verifyBytes(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(hashFor(key), bytes, key, signature);
}

function hashFor(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}
