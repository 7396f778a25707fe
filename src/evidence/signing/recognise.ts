// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { derIdentifier, type Json, preAuthEncoding, readDer, readDerValues } from '#formats';
import type { PayloadSignature } from '../attach/cosign-tags.ts';
import { verifyBytes } from './algorithm.ts';
import type { Identity } from './identity.ts';

/** What a signature must have to count as this signer's own. */
export type Expected = Identity & { readonly logged: boolean; readonly stamped: boolean };

const bundleSchema = z.object({
  verificationMaterial: z.object({
    certificate: z.object({ rawBytes: z.string() }).optional(),
    tlogEntries: z.array(z.unknown()).default([]),
    timestampVerificationData: z.object({ rfc3161Timestamps: z.array(z.unknown()).default([]) }).optional(),
  }),
  dsseEnvelope: z.object({
    payloadType: z.string(),
    payload: z.string(),
    signatures: z.array(z.object({ sig: z.string() })).length(1),
  }),
});

/** The extension in which Fulcio names the issuer of the identity (its docs/oid-info.md, "Issuer (V2)"). */
const ISSUER_ID = derIdentifier('1.3.6.1.4.1.57264.1.8');

/**
 * Says whether a bundle is signed with this identity's key, or, where it has a certificate, with any key that the same
 * authority certified for the same subject and issuer; and has witnesses of the kinds wanted. It decides only whether to sign
 * again: it is not a verification, which `verify` does.
 */
export function recognisesBundle(bundle: Json, expected: Expected): boolean {
  const parsed = bundleSchema.safeParse(bundle);
  if (!parsed.success) return false;
  const { verificationMaterial: material, dsseEnvelope: envelope } = parsed.data;
  if (expected.logged && material.tlogEntries.length === 0) return false;
  if (expected.stamped && (material.timestampVerificationData?.rfc3161Timestamps ?? []).length === 0) return false;
  const signed = preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'));
  const signature = Buffer.from(envelope.signatures[0]?.sig ?? '', 'base64');
  const certificate = material.certificate && Buffer.from(material.certificate.rawBytes, 'base64');
  return isSignedBy(expected, { certificate, signed, signature });
}

/** Says the same of a signature in cosign 2's form. */
export function recognisesPayload(payload: Buffer, found: PayloadSignature, expected: Expected): boolean {
  if (expected.logged && found.rekor === undefined) return false;
  if (expected.stamped && found.timestamp === undefined) return false;
  return isSignedBy(expected, {
    certificate: found.certificate,
    signed: payload,
    signature: Buffer.from(found.signature, 'base64'),
  });
}

function isSignedBy(
  identity: Identity,
  found: { readonly certificate: Buffer | string | undefined; readonly signed: Buffer; readonly signature: Buffer },
): boolean {
  try {
    if (identity.certificates.length === 0) return verifyBytes(identity.publicKey, found.signed, found.signature);
    if (found.certificate === undefined) return false;
    const certificate = new X509Certificate(found.certificate);
    return (
      isSibling(identity.certificates, certificate) && verifyBytes(certificate.publicKey, found.signed, found.signature)
    );
  } catch {
    return false; // Not a certificate, or a signature of another kind.
  }
}

/** Whether the authority that issued our certificate issued this one too, for the same identity. */
function isSibling([leaf, authority]: readonly Buffer[], other: X509Certificate): boolean {
  if (leaf === undefined || authority === undefined) return false;
  const own = new X509Certificate(leaf);
  const issuer = new X509Certificate(authority);
  return (
    other.checkIssued(issuer) &&
    other.verify(issuer.publicKey) &&
    other.subjectAltName === own.subjectAltName &&
    issuerOf(leaf) !== undefined &&
    issuerOf(leaf) === issuerOf(other.raw)
  );
}

/** The value of the certificate's issuer extension, in hex; undefined where it has none. */
function issuerOf(certificate: Buffer): string | undefined {
  const [body] = readDerValues(readDer(certificate).content);
  const wrapped = readDerValues(body?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === 0xa3); // RFC 5280 4.1: [3] extensions
  const [list] = readDerValues(wrapped?.content ?? Buffer.alloc(0));
  const extensions = readDerValues(list?.content ?? Buffer.alloc(0)).map(({ content }) => readDerValues(content));
  return extensions
    .find(([id]) => id?.bytes.equals(ISSUER_ID))
    ?.at(-1)
    ?.content.toString('hex');
}
