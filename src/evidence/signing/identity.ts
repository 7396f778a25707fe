// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from 'node:crypto';

/** A key at work: its public half, certificates where an authority vouches for it (leaf first, DER), and the one verb. */
export interface Identity {
  readonly publicKey: KeyObject;
  readonly certificates: readonly Buffer[];
  /** Signs with SHA-256 (Ed25519: as it is); an ECDSA signature in DER. */
  signBytes(bytes: Uint8Array): Promise<Buffer>;
}
