// SPDX-License-Identifier: Apache-2.0

/** A DSSE envelope as JSON (https://github.com/secure-systems-lab/dsse/blob/master/envelope.md); payload and signatures in base64. */
export interface DsseEnvelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly sig: string; readonly keyid?: string }[];
}

/**
 * The bytes that a DSSE signature covers (protocol.md, "Signature Definition"): `DSSEv1`, then type and payload, each
 * after its length in bytes.
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

/** Takes a payload, its type and one signature; gives the envelope. `keyid` is not signed, and left out as cosign wants it. */
export function toDsseEnvelope(payloadType: string, payload: Uint8Array, signature: Uint8Array): DsseEnvelope {
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ sig: Buffer.from(signature).toString('base64') }],
  };
}
