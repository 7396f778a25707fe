// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import {
  authorityExtensions,
  DER,
  der,
  derIdentifier,
  derSequence,
  extension,
  type Issuer,
  issueCertificate,
  keyIdOf,
  signBytes,
  toPem,
} from '#formats';
import { type Loopback, type LoopbackAnswer, startLoopback } from './loopback.ts';
import type { TokenIssuer } from './oidc.ts';

/** A certificate authority for code signing that speaks Fulcio's v2 API, with the transparency log its certificates are in. */
export interface CertificateAuthority extends Pick<Loopback, 'url' | 'requests' | 'answerNext' | 'stop'> {
  /** Intermediate, then root, in DER. */
  readonly chain: readonly Buffer[];
  /** The key of the certificate transparency log whose timestamps the certificates carry. */
  readonly logKey: KeyObject;
  /** Gives a certificate without being asked over HTTP, for any identity; DER. */
  issue(publicKey: KeyObject, identity: CertificateIdentity): Buffer;
}

/** Whom a certificate names. `extensions` are the issuer's further claims by Fulcio's number (1.3.6.1.4.1.57264.1.N). */
export interface CertificateIdentity {
  readonly issuer: string;
  readonly subject: { readonly kind: 'uri' | 'email'; readonly value: string };
  readonly extensions?: Readonly<Record<number, string>>;
}

/** How the authority behaves. `now` is milliseconds; certificates live ten minutes. */
export interface CertificateAuthorityOptions {
  readonly issuers: readonly TokenIssuer[];
  readonly now?: () => number;
  readonly lifetimeSeconds?: number;
  /** Certificates carry no timestamp of the log. */
  readonly unlogged?: boolean;
}

const FULCIO = '1.3.6.1.4.1.57264.1';
const YEAR = 365 * 86_400_000;

/** Starts an authority with a fresh root and intermediate (P-384, as the public one has). */
export async function startCertificateAuthority(options: CertificateAuthorityOptions): Promise<CertificateAuthority> {
  const now = options.now ?? Date.now;
  const { intermediate, chain } = createChain(now());
  const log = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  function issue(publicKey: KeyObject, identity: CertificateIdentity): Buffer {
    const notBefore = new Date(Math.floor(now() / 1000) * 1000);
    const spec = {
      publicKey,
      notBefore,
      notAfter: new Date(notBefore.getTime() + (options.lifetimeSeconds ?? 600) * 1000),
      extensions: leafExtensions(publicKey, intermediate, identity),
    };
    const logged = (body: Buffer) => timestampExtension(body, { intermediate, log, time: now() });
    return issueCertificate(spec, intermediate, options.unlogged === true ? undefined : logged);
  }

  const server = await startLoopback(({ method, path, body }) => {
    if (method !== 'POST' || path !== '/api/v2/signingCert')
      return { status: 404, body: { code: 5, message: 'Not Found' } };
    const asked = JSON.parse(body.toString()) as SigningRequest;
    return sign(asked, options.issuers, (key, identity) => [issue(key, identity), ...chain]);
  });
  return { ...server, chain, logKey: log.publicKey, issue };
}

interface SigningRequest {
  readonly credentials?: { readonly oidcIdentityToken?: string };
  readonly publicKeyRequest?: {
    readonly publicKey?: { readonly content?: string };
    readonly proofOfPossession?: string;
  };
}

/** Fulcio's CreateSigningCertificate: token, key and the proof that the caller has the key's private half. */
function sign(
  asked: SigningRequest,
  issuers: readonly TokenIssuer[],
  issue: (key: KeyObject, identity: CertificateIdentity) => readonly Buffer[],
): LoopbackAnswer {
  const token = asked.credentials?.oidcIdentityToken ?? '';
  const read = issuers.map((issuer) => issuer.read(token, 'sigstore')).find((claims) => claims !== undefined);
  // A real server may well repeat what it was sent.
  if (read === undefined) return refuse(401, `There was an error processing the identity token: ${token}`);
  const key = createPublicKey(asked.publicKeyRequest?.publicKey?.content ?? '');
  const claims = read as Readonly<Record<string, string>>;
  const proven = claims['email'] ?? claims['sub'] ?? '';
  const proof = Buffer.from(asked.publicKeyRequest?.proofOfPossession ?? '', 'base64');
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  if (!verify(hash, Buffer.from(proven), key, proof))
    return refuse(400, 'The signature supplied in the request could not be verified');
  const certificates = issue(key, identityOf(claims)).map((one) => toPem('CERTIFICATE', one));
  return { status: 200, body: { signedCertificateEmbeddedSct: { chain: { certificates } } } };
}

function refuse(status: number, message: string): LoopbackAnswer {
  return { status, body: { code: status === 401 ? 16 : 3, message, details: [] } };
}

/** Fulcio's docs/oid-info.md and identity mapping: e-mail, GitHub's workflow, or the subject itself. */
function identityOf(claims: Readonly<Record<string, string>>): CertificateIdentity {
  const issuer = claims['iss'] ?? '';
  if (claims['email'] !== undefined) return { issuer, subject: { kind: 'email', value: claims['email'] } };
  const workflow = claims['job_workflow_ref'];
  if (workflow === undefined) return { issuer, subject: { kind: 'uri', value: claims['sub'] ?? '' } };
  const server = 'https://github.com';
  const claim = (name: string) => claims[name] ?? '';
  return {
    issuer,
    subject: { kind: 'uri', value: `${server}/${workflow}` },
    extensions: {
      2: claim('event_name'),
      3: claim('sha'),
      4: claim('workflow'),
      5: claim('repository'),
      6: claim('ref'),
      9: `${server}/${workflow}`,
      10: claim('job_workflow_sha'),
      11: claim('runner_environment'),
      12: `${server}/${claim('repository')}`,
      13: claim('sha'),
      14: claim('ref'),
      15: claim('repository_id'),
      16: `${server}/${claim('repository_owner')}`,
      17: claim('repository_owner_id'),
      18: `${server}/${claim('workflow_ref')}`,
      19: claim('workflow_sha'),
      20: claim('event_name'),
      21: `${server}/${claim('repository')}/actions/runs/${claim('run_id')}/attempts/${claim('run_attempt')}`,
      22: claim('repository_visibility'),
    },
  };
}

function leafExtensions(publicKey: KeyObject, intermediate: Issuer, identity: CertificateIdentity): Buffer[] {
  const { kind, value } = identity.subject;
  const issuerKey = createPublicKey(intermediate.privateKey);
  const claims = Object.entries(identity.extensions ?? {}).map(([number, text]) => {
    // The first six hold the bare text, all later ones a DER UTF8String.
    const content = Number(number) <= 6 ? Buffer.from(text) : der(DER.utf8String, Buffer.from(text));
    return extension(`${FULCIO}.${number}`, content);
  });
  return [
    extension('2.5.29.15', der(DER.bitString, Buffer.from([7, 0b1000_0000])), true), // digitalSignature
    extension('2.5.29.37', derSequence(derIdentifier('1.3.6.1.5.5.7.3.3'))), // codeSigning
    extension('2.5.29.14', der(DER.octetString, keyIdOf(publicKey))),
    extension('2.5.29.35', derSequence(der(0x80, keyIdOf(issuerKey)))),
    extension('2.5.29.17', derSequence(der(kind === 'uri' ? 0x86 : 0x81, Buffer.from(value))), true),
    extension(`${FULCIO}.1`, Buffer.from(identity.issuer)),
    extension(`${FULCIO}.8`, der(DER.utf8String, Buffer.from(identity.issuer))),
    ...claims,
  ];
}

/** RFC 6962 3.2 and 3.3: the log's promise over the certificate as it is without it, as the extension that carries it. */
function timestampExtension(
  body: Buffer,
  by: {
    readonly intermediate: Issuer;
    readonly log: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
    readonly time: number;
  },
): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Math.floor(by.time)));
  const issuerKey = createPublicKey(by.intermediate.privateKey).export({ type: 'spki', format: 'der' });
  const signed = Buffer.concat([
    Buffer.from([0, 0]), // v1, certificate_timestamp
    time,
    Buffer.from([0, 1]), // precert_entry
    createHash('sha256').update(issuerKey).digest(),
    uint(body.length, 3),
    body,
    uint(0, 2), // no extensions
  ]);
  const logId = createHash('sha256')
    .update(by.log.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
  const signature = signBytes(signed, by.log.privateKey);
  const one = Buffer.concat([
    Buffer.of(0),
    logId,
    time,
    uint(0, 2),
    Buffer.from([4, 3]), // SHA-256, ECDSA
    uint(signature.length, 2),
    signature,
  ]);
  const list = Buffer.concat([uint(one.length + 2, 2), uint(one.length, 2), one]);
  return extension('1.3.6.1.4.1.11129.2.4.2', der(DER.octetString, list));
}

function createChain(now: number): { readonly intermediate: Issuer; readonly chain: readonly Buffer[] } {
  const rootKeys = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const validity = { notBefore: new Date(now - YEAR), notAfter: new Date(now + 5 * YEAR) };
  const root = issueCertificate(
    {
      ...validity,
      name: { organization: 'Oakum test', commonName: 'test root' },
      publicKey: rootKeys.publicKey,
      extensions: authorityExtensions(rootKeys.publicKey),
    },
    { privateKey: rootKeys.privateKey },
  );
  const certificate = issueCertificate(
    {
      ...validity,
      name: { organization: 'Oakum test', commonName: 'test intermediate' },
      publicKey: keys.publicKey,
      extensions: [
        ...authorityExtensions(keys.publicKey),
        extension('2.5.29.37', derSequence(derIdentifier('1.3.6.1.5.5.7.3.3'))),
        extension('2.5.29.35', derSequence(der(0x80, keyIdOf(rootKeys.publicKey)))),
      ],
    },
    { certificate: root, privateKey: rootKeys.privateKey },
  );
  return { intermediate: { certificate, privateKey: keys.privateKey }, chain: [certificate, root] };
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}
