// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from 'node:crypto';
import { requireSupported, signBytes } from './algorithm.ts';
import { keyHint } from './bundle.ts';
import { createSigner, type Signer } from './signer.ts';
import { NO_WITNESSES, openWitnesses, type WitnessOptions } from './witnesses.ts';

/** Gives a signer that signs with a private key; without witnesses (the default) nothing leaves the machine. Throws `KEY_UNSUPPORTED`. */
export function createKeySigner(privateKey: KeyObject, witnesses?: WitnessOptions): Signer {
  requireSupported(privateKey, 'the signing key');
  const publicKey = createPublicKey(privateKey);
  const identity = {
    publicKey,
    certificates: [],
    signBytes: async (bytes: Uint8Array) => signBytes(privateKey, bytes),
  };
  return createSigner({
    kind: 'key',
    description: `key ${keyHint(publicKey)}`,
    open: async () => identity,
    witnesses: witnesses === undefined ? NO_WITNESSES : openWitnesses(witnesses),
  });
}
