// SPDX-License-Identifier: Apache-2.0
import type { RunningServer } from '../scenario/servers/https.ts';

/** How a client takes the one thing that a server offers. */
export type Answer = 'accepted' | 'refused';

/** What a program must answer, by how its cryptography is built. */
export interface Expected {
  readonly none: Answer;
  readonly fips140: Answer;
  readonly boring: Answer;
}

/** What is offered: one version, suite, key exchange, key or hash, with all else as everybody has it. */
export interface Offer {
  readonly protocol: 'TLS' | 'SSH';
  /** `key exchange`. */
  readonly aspect: string;
  /** The one thing: `X25519`. */
  readonly name: string;
  readonly expected: Expected;
}

/** What a server saw of its clients' handshakes. */
export interface Sight {
  /** What was negotiated, of each handshake that was completed. */
  readonly completed: string[];
  /** Why each of the others was not. */
  readonly broken: string[];
}

/** A server that offers one thing. */
export interface OfferServer extends RunningServer {
  readonly sight: Sight;
  /** Makes a handshake with it as a client that takes anything; throws where there is none, so that the server is at fault. */
  control(): Promise<void>;
}

/** Makes a sight of nothing. */
export function openSight(): Sight {
  return { completed: [], broken: [] };
}

const A = 'accepted';
const R = 'refused';

/** What programs answer, by name. */
export const ANSWERS = {
  everywhere: { none: A, fips140: A, boring: A },
  nowhere: { none: R, fips140: R, boring: R },
  /** Go's own choice; no FIPS mode has it. */
  withoutFips: { none: A, fips140: R, boring: R },
  /** Approved with the Go Cryptographic Module; BoringCrypto's policy is of before. */
  notBoring: { none: A, fips140: A, boring: R },
  /** SSH in a program with BoringCrypto is as Go does by itself: x/crypto/ssh asks for the native FIPS mode alone. */
  notNative: { none: A, fips140: R, boring: A },
} as const satisfies Readonly<Record<string, Expected>>;
