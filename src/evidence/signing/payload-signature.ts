// SPDX-License-Identifier: Apache-2.0
import { canonicalJson, toPem } from '#formats';
import type { PayloadSignature } from '../attach/cosign-tags.ts';
import type { Testimony } from './bundle.ts';
import type { LogEntry } from './rekor.ts';
import type { Identity } from './identity.ts';

/** Gives a signature over bytes, its certificates and witnesses, in the form of cosign 2's annotations (cosign specs/SIGNATURE_SPEC.md). */
export function toPayloadSignature(signature: Buffer, identity: Identity, testimony: Testimony): PayloadSignature {
  const [leaf, ...chain] = identity.certificates.map((one) => toPem('CERTIFICATE', one));
  const [entry] = testimony.entries;
  const [timestamp] = testimony.timestamps;
  return {
    signature: signature.toString('base64'),
    ...(leaf === undefined ? {} : { certificate: leaf, chain: chain.join('') }),
    ...(entry === undefined ? {} : { rekor: toRekorBundle(entry) }),
    ...(timestamp === undefined ? {} : { timestamp: toTimestampJson(timestamp) }),
  };
}

/** Takes a TimeStampResp in DER; gives it in the JSON of cosign 2's annotation. */
export function toTimestampJson(timestamp: Buffer): string {
  return canonicalJson({ SignedRFC3161Timestamp: timestamp.toString('base64') });
}

/** cosign 2's own form of a log entry: the log's promise, and what it promised. */
function toRekorBundle({ body, integratedTime, logIndex, logID, verification }: LogEntry): string {
  return canonicalJson({
    SignedEntryTimestamp: verification.signedEntryTimestamp,
    Payload: { body, integratedTime, logIndex, logID },
  });
}
