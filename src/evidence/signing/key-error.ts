// SPDX-License-Identifier: Apache-2.0
import { EvidenceError } from '../error.ts';

/** Gives the error for a file that is no key; `why` finishes "the key can't be read:". */
export function unreadableKey(where: string, why: string): EvidenceError {
  return new EvidenceError('KEY_UNREADABLE', `the key can't be read: ${why}`, {
    where,
    hint: 'Give a key file in PEM: PKCS #8, SEC 1, or as cosign generate-key-pair writes it.',
  });
}

/** Gives the error for a password that is wrong or missing; `why` goes on from "the key". */
export function wrongPassword(where: string, why: string): EvidenceError {
  return new EvidenceError('KEY_PASSWORD_WRONG', `the key ${why}`, {
    where,
    hint: 'Give its password in OAKUM_KEY_PASSWORD or COSIGN_PASSWORD.',
  });
}
