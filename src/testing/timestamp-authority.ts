// SPDX-License-Identifier: Apache-2.0
import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import {
  authorityExtensions,
  DER,
  der,
  derContext,
  derIdentifier,
  derInteger,
  derSequence,
  derSet,
  extension,
  issueCertificate,
  keyIdOf,
  partsOf,
  readDer,
  readDerValues,
  signatureAlgorithm,
  signBytes,
} from '#formats';
import { type Loopback, startLoopback } from './loopback.ts';

/** A timestamp authority (RFC 3161 over HTTP, section 3.4) at `url`/api/v1/timestamp. */
export interface TimestampAuthority extends Pick<Loopback, 'url' | 'requests' | 'answerNext' | 'stop'> {
  /** The authority's certificate, then its root, in DER. */
  readonly chain: readonly Buffer[];
  /** Gives the answer to a request in DER. */
  stamp(request: Buffer): Buffer;
}

const SHA256 = derSequence(derIdentifier('2.16.840.1.101.3.4.2.1'));
const ID = {
  signedData: derIdentifier('1.2.840.113549.1.7.2'),
  info: derIdentifier('1.2.840.113549.1.9.16.1.4'),
  contentType: derIdentifier('1.2.840.113549.1.9.3'),
  messageDigest: derIdentifier('1.2.840.113549.1.9.4'),
  signingTime: derIdentifier('1.2.840.113549.1.9.5'),
  signingCertificateV2: derIdentifier('1.2.840.113549.1.9.16.2.47'),
} as const;
const YEAR = 365 * 86_400_000;

/** Starts an authority with fresh keys; `now` (milliseconds) is its clock. */
export async function startTimestampAuthority(
  options: { readonly now?: () => number } = {},
): Promise<TimestampAuthority> {
  const now = options.now ?? Date.now;
  const { chain, privateKey } = createChain(now());
  const [certificate = Buffer.alloc(0)] = chain;

  function stamp(request: Buffer): Buffer {
    const asked = readRequest(request);
    if (asked === undefined) return derSequence(derSequence(derInteger(2))); // rejection
    const info = toInfo(asked, new Date(now()));
    const token = toToken(info, {
      certificate,
      privateKey,
      isIncluded: asked.wantsCertificates,
      time: new Date(now()),
    });
    return derSequence(derSequence(derInteger(0)), token);
  }

  const server = await startLoopback(({ method, path, headers, body }) => {
    if (method !== 'POST' || path !== '/api/v1/timestamp') return { status: 404 };
    if (headers['content-type'] !== 'application/timestamp-query') return { status: 415 };
    return { status: 201, headers: { 'content-type': 'application/timestamp-reply' }, body: stamp(body) };
  });
  return { ...server, chain, stamp };
}

interface Asked {
  readonly imprint: Buffer;
  readonly nonce: Buffer | undefined;
  readonly wantsCertificates: boolean;
}

/** RFC 3161 2.4.1: TimeStampReq. Undefined for another hash than SHA-256. */
function readRequest(request: Buffer): Asked | undefined {
  const [version, imprint, ...rest] = readDerValues(readDer(request).content);
  const [algorithm, hash] = readDerValues(imprint?.content ?? Buffer.alloc(0));
  const [id] = readDerValues(algorithm?.content ?? Buffer.alloc(0));
  const isSha256 = SHA256.includes(id?.bytes ?? Buffer.alloc(1, 0xff));
  if (version?.content[0] !== 1 || imprint === undefined || !isSha256 || hash?.content.length !== 32) return undefined;
  return {
    imprint: imprint.bytes,
    nonce: rest.find(({ tag }) => tag === DER.integer)?.bytes,
    wantsCertificates: rest.some(({ tag, content }) => tag === DER.boolean && content[0] !== 0),
  };
}

/** RFC 3161 2.4.2: TSTInfo. */
function toInfo({ imprint, nonce }: Asked, time: Date): Buffer {
  return derSequence(
    derInteger(1),
    derIdentifier('1.3.6.1.4.1.57264.2'),
    imprint,
    derInteger(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    der(DER.generalizedTime, Buffer.from(timeText(time))),
    ...(nonce === undefined ? [] : [nonce]),
  );
}

/** RFC 5652 5: the TSTInfo as SignedData, with the attributes RFC 3161 2.4.2 and RFC 5816 want. */
function toToken(
  info: Buffer,
  by: {
    readonly certificate: Buffer;
    readonly privateKey: KeyObject;
    /** With its certificate alone: readers take the first for the signer's, and DER has its own order for several. */
    readonly isIncluded: boolean;
    readonly time: Date;
  },
): Buffer {
  const { issuer, serial } = partsOf(by.certificate);
  const certificateHash = createHash('sha256').update(by.certificate).digest();
  const attribute = (id: Buffer, value: Buffer) => derSequence(id, derSet(value));
  const attributes = derSet(
    attribute(ID.contentType, ID.info),
    attribute(ID.signingTime, der(DER.utcTime, Buffer.from(timeText(by.time).slice(2)))),
    attribute(ID.messageDigest, der(DER.octetString, createHash('sha256').update(info).digest())),
    attribute(ID.signingCertificateV2, derSequence(derSequence(derSequence(der(DER.octetString, certificateHash))))),
  );
  const signer = derSequence(
    derInteger(1),
    derSequence(issuer, serial),
    SHA256,
    Buffer.concat([Buffer.of(0xa0), attributes.subarray(1)]), // [0] IMPLICIT; the signature covers it as a SET
    signatureAlgorithm(by.privateKey),
    der(DER.octetString, signBytes(attributes, by.privateKey)),
  );
  const signed = derSequence(
    derInteger(3),
    derSet(SHA256),
    derSequence(ID.info, derContext(0, der(DER.octetString, info))),
    ...(by.isIncluded ? [derContext(0, by.certificate)] : []),
    derSet(signer),
  );
  return derSequence(ID.signedData, derContext(0, signed));
}

function createChain(now: number): { readonly chain: readonly Buffer[]; readonly privateKey: KeyObject } {
  const rootKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const validity = { notBefore: new Date(now - YEAR), notAfter: new Date(now + 5 * YEAR) };
  const root = issueCertificate(
    {
      ...validity,
      name: { organization: 'Oakum test', commonName: 'timestamp root' },
      publicKey: rootKeys.publicKey,
      extensions: authorityExtensions(rootKeys.publicKey),
    },
    { privateKey: rootKeys.privateKey },
  );
  const leaf = issueCertificate(
    {
      ...validity,
      name: { organization: 'Oakum test', commonName: 'timestamp authority' },
      publicKey: keys.publicKey,
      extensions: [
        extension('2.5.29.15', der(DER.bitString, Buffer.from([7, 0b1000_0000])), true), // digitalSignature
        extension('2.5.29.37', derSequence(derIdentifier('1.3.6.1.5.5.7.3.8')), true), // timeStamping alone, critical (RFC 3161 2.3)
        extension('2.5.29.14', der(DER.octetString, keyIdOf(keys.publicKey))),
        extension('2.5.29.35', derSequence(der(0x80, keyIdOf(rootKeys.publicKey)))),
      ],
    },
    { certificate: root, privateKey: rootKeys.privateKey },
  );
  return { chain: [leaf, root], privateKey: keys.privateKey };
}

function timeText(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+/g, '');
}
