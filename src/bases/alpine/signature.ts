// SPDX-License-Identifier: Apache-2.0
import { type KeyObject, verify } from 'node:crypto';
import { messageOf } from '#core';
import type { ApkSignature } from '#formats';
import { BaseError, type BaseErrorCode } from '../error.ts';
import type { AlpineKeyring } from './keys.ts';

/** What is signed, how errors call it, whose keys count, and which codes its faults have. */
export interface VerifyOptions {
  readonly what: string;
  readonly where: string;
  readonly architecture: string;
  readonly keyring: AlpineKeyring;
  readonly codes: { readonly unsigned: BaseErrorCode; readonly signature: BaseErrorCode };
}

/**
 * Gives the names of the keys of the keyring with a good signature over the bytes, sorted. Throws `codes.unsigned` where there is no
 * signature at all, `codes.signature` where none is good by a key that counts, and `BASE_SHA1_REFUSED` where this machine's OpenSSL
 * forbids to check the only kind there is.
 */
export function verifyApkSignatures(
  signatures: readonly ApkSignature[],
  bytes: Uint8Array,
  options: VerifyOptions,
): readonly string[] {
  const { what, where, keyring, codes } = options;
  if (signatures.length === 0) {
    throw new BaseError(codes.unsigned, `${what} is not signed`, {
      where,
      hint: 'Use a mirror of Alpine, or sign your own repository (abuild-sign) and name its key as `keyring` of the base.',
    });
  }
  const good = new Set<string>();
  const faults: string[] = [];
  for (const signature of signatures) {
    const fault = judge(signature, bytes, options);
    if (fault === undefined) good.add(signature.key);
    else faults.push(`${signature.key}: ${fault}`);
  }
  if (good.size > 0) return [...good].sort();
  const retired = signatures.some((one) => keyring.retired.has(one.key));
  throw new BaseError(codes.signature, `no key that counts has signed ${what} (${faults.join('; ')})`, {
    where,
    hint: retired
      ? 'Take a branch that Alpine still supports.'
      : 'Check the mirror and the branch. If Alpine has new keys, update Oakum (see keys/README.md); name keys of your own as `keyring` of the base.',
  });
}

function judge(one: ApkSignature, bytes: Uint8Array, options: VerifyOptions): string | undefined {
  const { keyring, architecture } = options;
  const known = keyring.keys.find(({ name }) => name === one.key);
  if (known === undefined) return keyring.retired.get(one.key) ?? 'the key is not known';
  if (known.architectures?.includes(architecture) === false) return `the key does not sign for ${architecture}`;
  return isGood(one, bytes, known.key, options) ? undefined : 'the signature is wrong';
}

/** RSASSA-PKCS1-v1_5 (RFC 8017 8.2). */
function isGood(one: ApkSignature, bytes: Uint8Array, key: KeyObject, { what, where }: VerifyOptions): boolean {
  try {
    return verify(one.digest, bytes, key, one.signature);
  } catch (error) {
    if (one.digest !== 'sha1') return false; // a wrong signature does not throw: a forbidden hash does
    throw new BaseError(
      'BASE_SHA1_REFUSED',
      `the OpenSSL of this machine does not check RSA signatures over SHA-1, and ${what} has no other (${messageOf(error)})`,
      {
        where,
        hint: 'Alpine signs so. Let Oakum run without a policy that forbids SHA-1 (as `update-crypto-policies --set DEFAULT:SHA1` and without FIPS mode of OpenSSL), or use a mirror signed with SHA-256 by a key of your own.',
        cause: error,
      },
    );
  }
}
