// SPDX-License-Identifier: Apache-2.0
import { randomBytes, scrypt } from 'node:crypto';
import { z } from 'zod';
import { parseIfJson, toPem } from '#formats';
import { unreadableKey, wrongPassword } from './key-error.ts';

/**
 * cosign's key file: PEM around JSON (go-securesystemslib, encrypted/encrypted.go) that says how the password becomes a key
 * (scrypt) and holds a PKCS #8 key sealed with it (nacl/secretbox). The numbers have a ceiling: 128 N r bytes
 * of memory, 256 MiB at most, are taken for a file that may be anybody's.
 */
const sealedSchema = z.object({
  kdf: z.object({
    name: z.literal('scrypt'),
    params: z
      .object({ N: z.number().int(), r: z.number().int().min(1), p: z.number().int().min(1).max(4) })
      .refine(
        ({ N, r }) => Number.isInteger(Math.log2(N)) && N > 1 && N * r <= 2 ** 21,
        'too costly, or no power of two',
      ),
    salt: z.base64(),
  }),
  cipher: z.object({ name: z.literal('nacl/secretbox'), nonce: z.base64() }),
  ciphertext: z.base64(),
});

type ScryptParameters = z.output<typeof sealedSchema>['kdf']['params'];

/** `SIGSTORE` since cosign 2, `COSIGN` before. */
const LABEL =
  /^-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----([\s\S]*?)^-----END ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/m;
const PARAMETERS: ScryptParameters = { N: 65_536, r: 8, p: 1 };
const NONCE_SIZE = 24;

/** Says whether a PEM text is a key in cosign's own encrypted form. */
export function isCosignKey(pem: string): boolean {
  return LABEL.test(pem);
}

/** Takes a key in cosign's form and its password, the empty one by default; gives the PKCS #8 key in DER. Throws `KEY_UNREADABLE`, `KEY_PASSWORD_WRONG`. */
export async function decryptCosignKey(pem: string, password: string | undefined, where: string): Promise<Buffer> {
  const parsed = sealedSchema.safeParse(
    parseIfJson(Buffer.from(LABEL.exec(pem)?.[1] ?? '', 'base64').toString('utf8')),
  );
  if (!parsed.success) throw unreadableKey(where, "it is not in the form of cosign's keys");
  const { kdf, cipher, ciphertext } = parsed.data;
  const nonce = Buffer.from(cipher.nonce, 'base64');
  if (nonce.length !== NONCE_SIZE) throw unreadableKey(where, 'its nonce has the wrong length');
  const key = await deriveKey(password ?? '', Buffer.from(kdf.salt, 'base64'), kdf.params);
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  try {
    return Buffer.from(xsalsa20poly1305(key, nonce).decrypt(Buffer.from(ciphertext, 'base64')));
  } catch {
    const isGiven = password !== undefined;
    throw wrongPassword(
      where,
      isGiven ? 'can not be opened with this password' : 'is encrypted, and no password was given',
    );
  } finally {
    key.fill(0);
  }
}

/** Takes a PKCS #8 key in DER and a password; gives the key in cosign's form, with cosign's numbers. */
export async function encryptCosignKey(pkcs8: Buffer, password: string): Promise<string> {
  const salt = randomBytes(32);
  const nonce = randomBytes(NONCE_SIZE);
  const key = await deriveKey(password, salt, PARAMETERS);
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  const ciphertext = Buffer.from(xsalsa20poly1305(key, nonce).encrypt(pkcs8));
  const sealed = {
    kdf: { name: 'scrypt', params: PARAMETERS, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: ciphertext.toString('base64'),
  };
  return toPem('ENCRYPTED SIGSTORE PRIVATE KEY', Buffer.from(JSON.stringify(sealed)));
}

function deriveKey(password: string, salt: Buffer, { N, r, p }: ScryptParameters): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const maxmem = 128 * N * r + 128 * r * p + (1 << 20);
    scrypt(password, salt, 32, { N, r, p, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
