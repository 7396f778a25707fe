// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { EvidenceError } from '../error.ts';
import { requireSupported } from './algorithm.ts';
import { decryptCosignKey, encryptCosignKey, isCosignKey } from './cosign-key.ts';
import { unreadableKey, wrongPassword } from './key-error.ts';

/** The kinds of key that {@link generateKey} makes. */
export type KeyKind = 'ecdsa-p256' | 'ed25519';

/** What to make. With a password, and in any case for `cosign`, the file is in cosign's encrypted form; else PKCS #8. */
export interface KeyRequest {
  readonly kind: KeyKind;
  readonly format?: 'pkcs8' | 'cosign';
  readonly password?: string;
}

/** A new key pair as the text of its two files (PEM). */
export interface KeyFiles {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** How a private key is opened: `where` names it in errors. */
export interface ReadKeyOptions {
  readonly where: string;
  readonly password?: string;
}

const MAX_KEY_FILE = 64 * 1024;

/** Makes a key pair. cosign's form without a password is encrypted with the empty one, as cosign does it. */
export async function generateKey({ kind, format, password }: KeyRequest): Promise<KeyFiles> {
  const { privateKey, publicKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const isPlain = (format ?? 'pkcs8') === 'pkcs8' && password === undefined;
  return {
    privateKey: isPlain
      ? privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      : await encryptCosignKey(privateKey.export({ type: 'pkcs8', format: 'der' }), password ?? ''),
    publicKey: formatPublicKey(publicKey),
  };
}

/**
 * Takes a private key as PEM: PKCS #8 plain or encrypted (RFC 5958), SEC 1 (RFC 5915), PKCS #1, or cosign's encrypted form.
 * Throws `KEY_UNREADABLE`, `KEY_PASSWORD_WRONG`, `KEY_UNSUPPORTED`; no error holds a part of the key or the password.
 */
export async function readPrivateKey(
  pem: string | Uint8Array,
  { where, password }: ReadKeyOptions,
): Promise<KeyObject> {
  const text = typeof pem === 'string' ? pem : Buffer.from(pem).toString('utf8');
  if (text.length > MAX_KEY_FILE) throw unreadableKey(where, 'it is too large for a key');
  const key = isCosignKey(text)
    ? importKey({ key: await decryptCosignKey(text, password, where), format: 'der', type: 'pkcs8' }, where)
    : importPem(text, { where, ...(password === undefined ? {} : { password }) });
  requireSupported(key, where);
  return key;
}

/** Takes a public key as PEM (SubjectPublicKeyInfo). Throws `KEY_UNREADABLE`, also for a private key; `KEY_UNSUPPORTED`. */
export function readPublicKey(pem: string, where: string): KeyObject {
  if (!/^-----BEGIN (RSA )?PUBLIC KEY-----/m.test(pem)) throw unreadableKey(where, 'it holds no public key in PEM');
  try {
    const key = createPublicKey(pem);
    requireSupported(key, where);
    return key;
  } catch (error) {
    if (error instanceof EvidenceError) throw error;
    throw unreadableKey(where, 'it is no public key');
  }
}

/** Takes a key, public or private; gives the public half as PEM (SubjectPublicKeyInfo, RFC 5280 4.1.2.7). */
export function formatPublicKey(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ type: 'spki', format: 'pem' }).toString();
}

function importPem(text: string, { where, password }: ReadKeyOptions): KeyObject {
  if (!/^-----BEGIN ([A-Z]+ )*PRIVATE KEY-----/m.test(text))
    throw unreadableKey(where, 'it holds no private key in PEM');
  const isEncrypted = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (!isEncrypted) return importKey(text, where);
  if (password === undefined) throw wrongPassword(where, 'is encrypted, and no password was given');
  try {
    return createPrivateKey({ key: text, passphrase: password });
  } catch {
    throw wrongPassword(where, 'can not be opened with this password');
  }
}

function importKey(input: Parameters<typeof createPrivateKey>[0], where: string): KeyObject {
  try {
    return createPrivateKey(input);
  } catch {
    // OpenSSL's words are left out: they help nobody, and are not ours to vouch for.
    throw unreadableKey(where, 'it is no private key');
  }
}
