// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync } from 'node:crypto';

/** A key of SSH, for a host or a client. */
export interface SshKey {
  /** The private key, in a form that ssh2 reads. */
  readonly pem: string;
  /** What known_hosts files call it: `ecdsa-sha2-nistp256`. */
  readonly type: string;
  /** The public key, as SSH sends it. */
  readonly blob: Buffer;
}

/** Makes a key on P-256 (RFC 5656 3.1); its private key is in the form that OpenSSL, ssh2 and Go all read. */
export function createEcdsaKey(): SshKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const type = 'ecdsa-sha2-nistp256';
  return {
    pem: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    type,
    blob: sshStrings(type, 'nistp256', point),
  };
}

/** Gives strings as SSH sends them, each after its length (RFC 4251 5). */
export function sshStrings(...strings: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    strings.flatMap((text) => {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
