// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** Where the kinds of Rekor entries name who signed: v1 as base64 of a PEM, v2 as base64 of DER. */
const pem = z.string().transform((text) => Buffer.from(text, 'base64').toString('latin1'));
const verifier = z
  .object({
    x509Certificate: z.object({ rawBytes: z.string() }).optional(),
    publicKey: z.object({ rawBytes: z.string() }).optional(),
  })
  .transform(({ x509Certificate, publicKey }) => x509Certificate?.rawBytes ?? publicKey?.rawBytes);

const bodySchema = z.object({
  spec: z.object({
    publicKey: pem.optional(), // intoto 0.0.1
    signature: z.object({ publicKey: z.object({ content: pem }) }).optional(), // hashedrekord 0.0.1
    signatures: z.array(z.object({ verifier: pem })).optional(), // dsse 0.0.1
    content: z
      .object({ envelope: z.object({ signatures: z.array(z.object({ publicKey: pem })) }).optional() })
      .optional(), // intoto 0.0.2
    hashedRekordV002: z.object({ signature: z.object({ verifier }) }).optional(),
    dsseV002: z.object({ signatures: z.array(z.object({ verifier })) }).optional(),
  }),
});

/**
 * Says whether a log entry names this signer. The Sigstore library compares signature and digest only; without this an entry
 * that somebody made with another certificate over the same signature would pass, which sigstore-go refuses.
 */
export function entryNamesSigner(
  body: Uint8Array,
  signer: { readonly key: KeyObject; readonly certificate: Buffer | undefined },
): boolean {
  const parsed = bodySchema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
  if (!parsed.success) return false;
  const { spec } = parsed.data;
  const named = [
    spec.publicKey,
    spec.signature?.publicKey.content,
    ...(spec.signatures ?? []).map((one) => one.verifier),
    ...(spec.content?.envelope?.signatures ?? []).map((one) => one.publicKey),
  ].filter((text) => text !== undefined);
  const raw = [
    spec.hashedRekordV002?.signature.verifier,
    ...(spec.dsseV002?.signatures ?? []).map((one) => one.verifier),
  ].filter((text) => text !== undefined);
  if (named.length + raw.length === 0) return false;
  return named.every((text) => isPemOf(text, signer)) && raw.every((text) => isDerOf(text, signer));
}

interface NamedSigner {
  readonly key: KeyObject;
  readonly certificate: Buffer | undefined;
}

function isPemOf(text: string, { key, certificate }: NamedSigner): boolean {
  if (!text.includes('CERTIFICATE-----')) return spkiOf(createPublicKey(text)).equals(spkiOf(key));
  return certificate !== undefined && new X509Certificate(text).raw.equals(certificate);
}

function isDerOf(text: string, { key, certificate }: NamedSigner): boolean {
  const bytes = Buffer.from(text, 'base64');
  return certificate === undefined ? bytes.equals(spkiOf(key)) : bytes.equals(certificate);
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}
