// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject } from 'node:crypto';
import type { DsseEnvelope, Json } from '#formats';
import { BUNDLE_TYPE } from '../attach/parcel.ts';
import type { LogEntry } from './rekor.ts';
import type { Identity } from './identity.ts';

/** What witnesses said of a signature: entries of transparency logs, and timestamps (TimeStampResp in DER). */
export interface Testimony {
  readonly entries: readonly LogEntry[];
  readonly timestamps: readonly Buffer[];
}

/**
 * Gives the Sigstore bundle v0.3 (protobuf-specs, sigstore_bundle.proto) of an envelope: with the leaf certificate alone, as
 * v0.3 has it, or else a hint at the key.
 */
export function toBundle(envelope: DsseEnvelope, identity: Identity, testimony: Testimony): Json {
  const [certificate] = identity.certificates;
  return {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: {
      ...(certificate === undefined
        ? { publicKey: { hint: keyHint(identity.publicKey) } }
        : { certificate: { rawBytes: certificate.toString('base64') } }),
      ...(testimony.entries.length === 0 ? {} : { tlogEntries: testimony.entries.map(toTlogEntry) }),
      ...(testimony.timestamps.length === 0
        ? {}
        : {
            timestampVerificationData: {
              rfc3161Timestamps: testimony.timestamps.map((one) => ({ signedTimestamp: one.toString('base64') })),
            },
          }),
    },
    dsseEnvelope: { ...envelope, signatures: envelope.signatures.map((one) => ({ ...one })) },
  };
}

/** The hint that cosign gives for a key: base64 of the SHA-256 of its SubjectPublicKeyInfo in DER. */
export function keyHint(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

/** Rekor's answer in the words of sigstore_rekor.proto: numbers as text, hex as base64. */
function toTlogEntry(entry: LogEntry): Json {
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
  const toBase64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: toBase64(entry.logID) },
    kindVersion: { kind: entry.kind, version: entry.version },
    integratedTime: String(entry.integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: toBase64(proof.rootHash),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes.map(toBase64),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: entry.body,
  };
}
