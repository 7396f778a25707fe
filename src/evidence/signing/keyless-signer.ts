// SPDX-License-Identifier: Apache-2.0
import type { Clock, Http } from '#core';
import { EvidenceError } from '../error.ts';
import { signBytes } from './algorithm.ts';
import { type CertifiedKey, requestCertificate } from './fulcio.ts';
import type { TokenSource } from './identity-token.ts';
import { createSigner, type Signer } from './signer.ts';
import { openWitnesses } from './witnesses.ts';

/** The addresses of the public Sigstore service. */
export const PUBLIC_SIGSTORE = {
  fulcioUrl: 'https://fulcio.sigstore.dev',
  rekorUrl: 'https://rekor.sigstore.dev',
  tsaUrl: 'https://timestamp.sigstore.dev/api/v1/timestamp',
} as const;

/** Who signs, and with which services. A log, a timestamp authority, or both must witness: the certificate lives for minutes. */
export interface KeylessOptions {
  readonly http: Http;
  readonly clock: Clock;
  readonly tokens: TokenSource;
  readonly fulcioUrl: string;
  readonly rekorUrl?: string;
  readonly tsaUrl?: string;
}

/** A certificate is used until a minute before its end, so that its signatures are witnessed in time. */
const MARGIN = 60_000;

/**
 * Gives a signer whose key is made for the moment and certified for the identity in a token. One key signs all evidence of a
 * release while its certificate lives; then the next is made. Throws `SIGNING_UNWITNESSED`, and when used what the services cause.
 */
export function createKeylessSigner(options: KeylessOptions): Signer {
  const { http, clock, tokens, fulcioUrl, rekorUrl, tsaUrl } = options;
  if (rekorUrl === undefined && tsaUrl === undefined) {
    throw new EvidenceError(
      'SIGNING_UNWITNESSED',
      'keyless signatures need a transparency log or a timestamp authority',
      {
        hint: 'Name one of them: without it nobody can verify once the certificate has expired, after ten minutes.',
      },
    );
  }
  const open = keepFresh(clock, async () => requestCertificate({ http, url: fulcioUrl }, await tokens.token()));
  return createSigner({
    kind: 'keyless',
    description: `identity of ${tokens.description}`,
    open: async () => {
      const { privateKey, publicKey, certificates } = await open();
      return { publicKey, certificates, signBytes: async (bytes) => signBytes(privateKey, bytes) };
    },
    witnesses: openWitnesses({
      http,
      ...(rekorUrl === undefined ? {} : { rekorUrl }),
      ...(tsaUrl === undefined ? {} : { tsaUrl }),
    }),
  });
}

/** Makes a certified key once for all that ask at the same time; anew near its end, and after a failure. */
function keepFresh(clock: Clock, make: () => Promise<CertifiedKey>): () => Promise<CertifiedKey> {
  let current: Promise<CertifiedKey> | undefined;
  const renew = () => {
    const fresh = make();
    current = fresh;
    fresh.catch(() => {
      if (current === fresh) current = undefined;
    });
    return fresh;
  };
  return async () => {
    const known = current;
    if (known === undefined) return renew();
    const key = await known;
    if (key.notAfter.getTime() - MARGIN > clock.now().getTime()) return key;
    return current === known || current === undefined ? renew() : current;
  };
}
