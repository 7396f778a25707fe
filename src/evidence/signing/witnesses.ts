// SPDX-License-Identifier: Apache-2.0
import type { Http } from '#core';
import { type DsseEnvelope, toPem } from '#formats';
import type { Testimony } from './bundle.ts';
import { formatPublicKey } from './key-file.ts';
import { logEnvelope, logPayload } from './rekor.ts';
import type { Identity } from './identity.ts';
import { requestTimestamp } from './timestamps.ts';

/** A signature to witness, and whose it is. */
export type Witnessed = { readonly identity: Identity } & (
  | { readonly kind: 'envelope'; readonly envelope: DsseEnvelope }
  | { readonly kind: 'payload'; readonly payload: Buffer; readonly signature: Buffer }
);

/** Those who say that a signature was there, and when. */
export interface Witnesses {
  readonly logs: boolean;
  readonly stamps: boolean;
  witness(signed: Witnessed): Promise<Testimony>;
  /** Gives a timestamp of any bytes, where there is an authority for it. */
  stamp(bytes: Uint8Array): Promise<Buffer | undefined>;
}

/** Where the witnesses are; each may be left out. */
export interface WitnessOptions {
  readonly http: Http;
  /** A transparency log with Rekor's v1 API, such as https://rekor.sigstore.dev. */
  readonly rekorUrl?: string;
  /** A timestamp authority (RFC 3161), its whole address, such as https://timestamp.sigstore.dev/api/v1/timestamp. */
  readonly tsaUrl?: string;
}

/** Gives the witnesses at these addresses; both are asked at once. */
export function openWitnesses({ http, rekorUrl, tsaUrl }: WitnessOptions): Witnesses {
  const stamp = async (bytes: Uint8Array) =>
    tsaUrl === undefined ? undefined : requestTimestamp({ http, url: tsaUrl }, bytes);
  return {
    logs: rekorUrl !== undefined,
    stamps: tsaUrl !== undefined,
    stamp,
    witness: async (signed) => {
      const [entry, timestamp] = await Promise.all([
        rekorUrl === undefined ? Promise.resolve(undefined) : writeEntry({ http, url: rekorUrl }, signed),
        stamp(signatureOf(signed)),
      ]);
      return {
        entries: entry === undefined ? [] : [entry],
        timestamps: timestamp === undefined ? [] : [timestamp],
      };
    },
  };
}

/** Signatures that nobody witnesses: enough for keys, which don't expire. */
export const NO_WITNESSES: Witnesses = {
  logs: false,
  stamps: false,
  witness: async () => ({ entries: [], timestamps: [] }),
  stamp: async () => undefined,
};

async function writeEntry(log: { readonly http: Http; readonly url: string }, signed: Witnessed) {
  const [certificate] = signed.identity.certificates;
  const verifier =
    certificate === undefined ? formatPublicKey(signed.identity.publicKey) : toPem('CERTIFICATE', certificate);
  if (signed.kind === 'envelope') return logEnvelope(log, signed.envelope, verifier);
  const { payload, signature, identity } = signed;
  return logPayload(log, { payload, signature, verifier, publicKey: identity.publicKey });
}

/** A timestamp speaks of the signature's bytes (sigstore_bundle.proto, TimestampVerificationData). */
function signatureOf(signed: Witnessed): Buffer {
  if (signed.kind === 'payload') return signed.signature;
  return Buffer.from(signed.envelope.signatures[0]?.sig ?? '', 'base64');
}
