// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { signBytes } from './algorithm.ts';
import { formatPublicKey } from './key-file.ts';
import { callService, invalidAnswer, parseAnswer, requireSecure, type Service } from './service.ts';
import { subjectOf } from './identity-token.ts';

const NAME = 'certificate authority';

/** SigningCertificate of Fulcio's v2 API (fulcio.proto). A detached timestamp has no place in a bundle, so it is not read. */
const answerSchema = z.object({
  signedCertificateEmbeddedSct: z.object({
    chain: z.object({ certificates: z.array(z.string().max(32_768)).min(1).max(10) }),
  }),
});

/** A key made for a few minutes, and the certificates (leaf first, DER) that say whose it is. */
export interface CertifiedKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly certificates: readonly Buffer[];
  readonly notAfter: Date;
}

/**
 * Makes a P-256 key and has it certified for the subject of an identity token (Fulcio's CreateSigningCertificate): the
 * proof that we hold the key is a signature over that subject. Throws `SIGNING_REFUSED`, `SIGNING_ANSWER_INVALID`.
 */
export async function requestCertificate(authority: Service, token: string): Promise<CertifiedKey> {
  requireSecure(NAME, authority.url);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { body } = await callService(authority, {
    name: NAME,
    path: 'api/v2/signingCert',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: formatPublicKey(publicKey) },
        proofOfPossession: signBytes(privateKey, Buffer.from(subjectOf(token))).toString('base64'),
      },
    }),
    secrets: [token],
    hint: 'Check that the identity token is fresh, made for the audience of this authority, and of an issuer it knows.',
  });
  const parsed = answerSchema.safeParse(parseAnswer(NAME, authority.url, body));
  if (!parsed.success) throw invalidAnswer(NAME, authority.url, 'it holds no certificate with a log timestamp in it');
  const chain = readChain(parsed.data.signedCertificateEmbeddedSct.chain.certificates, authority.url);
  const [leaf] = chain;
  if (leaf === undefined || !isSameKey(leaf.publicKey, publicKey)) {
    throw invalidAnswer(NAME, authority.url, 'the certificate is for another key');
  }
  return { privateKey, publicKey, certificates: chain.map((one) => one.raw), notAfter: leaf.validToDate };
}

function readChain(pems: readonly string[], url: string): readonly X509Certificate[] {
  try {
    return pems.map((pem) => new X509Certificate(pem));
  } catch {
    throw invalidAnswer(NAME, url, 'a certificate in it is none');
  }
}

function isSameKey(one: KeyObject, other: KeyObject): boolean {
  return one.equals(other);
}
