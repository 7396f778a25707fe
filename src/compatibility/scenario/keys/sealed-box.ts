// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A symmetric key that does not leave its service: AES-256-GCM, as the cloud services' own keys are. */
export interface SealedBox {
  /** Gives nonce, ciphertext and tag as one piece; `bound` must be given again to open it. */
  seal(plain: Uint8Array, bound?: string): Buffer;
  /** Throws where the piece is not of this key, was changed, or was bound to something else. */
  open(sealed: Uint8Array, bound?: string): Buffer;
}

const CIPHER = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;

/** Makes a key. */
export function createSealedBox(): SealedBox {
  const key = randomBytes(32);
  return {
    seal(plain, bound = '') {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(bound));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, bound = '') {
      if (sealed.length < NONCE + TAG) throw new RangeError('shorter than nonce and tag');
      const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE)).setAAD(Buffer.from(bound));
      decipher.setAuthTag(sealed.subarray(-TAG));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()]);
    },
  };
}
