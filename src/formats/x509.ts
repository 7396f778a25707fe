// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  DER,
  der,
  derBits,
  derContext,
  derIdentifier,
  derInteger,
  derSequence,
  derSet,
  readDer,
  readDerValues,
} from './der.ts';

/** What stands in a certificate that we issue (RFC 5280 4.1); `name` undefined is an empty subject. */
export interface CertificateSpec {
  readonly name?: Readonly<Record<'organization' | 'commonName', string>>;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Buffer[];
}

/** A certificate in DER, and with it what issues others. */
export interface Issuer extends SigningKey {
  readonly certificate: Buffer;
}

/** What signs certificates: a key, with the hash that fits it, or with SHA-1 to see who refuses that. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly hash?: 'sha1';
}

const ECDSA_ALGORITHMS: Readonly<Record<string, readonly [string, string]>> = {
  prime256v1: ['1.2.840.10045.4.3.2', 'sha256'],
  secp384r1: ['1.2.840.10045.4.3.3', 'sha384'],
};
const ECDSA_WITH_SHA1 = ['1.2.840.10045.4.1', 'sha1'] as const;

/**
 * Gives a certificate in DER, by `issuer`, or self-signed by `privateKey`. `complete` may add extensions when it has seen
 * the certificate without them: a certificate transparency log answers so (RFC 6962 3.2).
 */
export function issueCertificate(
  spec: CertificateSpec,
  signer: Issuer | SigningKey,
  complete?: (body: Buffer) => Buffer,
): Buffer {
  const name = toName(spec.name);
  const issuerName = 'certificate' in signer ? subjectOf(signer.certificate) : name;
  const serial = derInteger(Buffer.concat([Buffer.of(1), randomBytes(15)]));
  const [algorithmId, hash] = signer.hash === 'sha1' ? ECDSA_WITH_SHA1 : ecdsaOf(signer.privateKey);
  const algorithm = derSequence(derIdentifier(algorithmId));
  const body = (extensions: readonly Buffer[]) =>
    derSequence(
      derContext(0, derInteger(2)), // version 3
      serial,
      algorithm,
      issuerName,
      derSequence(toTime(spec.notBefore), toTime(spec.notAfter)),
      name,
      spec.publicKey.export({ type: 'spki', format: 'der' }),
      derContext(3, derSequence(...extensions)),
    );
  const plain = body(spec.extensions);
  const whole = complete === undefined ? plain : body([...spec.extensions, complete(plain)]);
  return derSequence(whole, algorithm, derBits(sign(hash, whole, signer.privateKey)));
}

/** Signs with the hash that fits the key's curve; gives a DER signature. */
export function signBytes(bytes: Uint8Array, key: KeyObject): Buffer {
  return sign(ecdsaOf(key)[1], bytes, key);
}

/** Gives the AlgorithmIdentifier of {@link signBytes}'s signatures. */
export function signatureAlgorithm(key: KeyObject): Buffer {
  return derSequence(derIdentifier(ecdsaOf(key)[0]));
}

/** Gives one extension (RFC 5280 4.2). */
export function extension(id: string, value: Buffer, critical = false): Buffer {
  const flag = critical ? [der(DER.boolean, Buffer.of(0xff))] : [];
  return derSequence(derIdentifier(id), ...flag, der(DER.octetString, value));
}

/** Gives the extensions of a certificate authority: it may sign certificates, and is one. */
export function authorityExtensions(publicKey: KeyObject): Buffer[] {
  return [
    extension('2.5.29.15', der(DER.bitString, Buffer.from([1, 0b0000_0110])), true), // keyCertSign, cRLSign
    extension('2.5.29.19', derSequence(der(DER.boolean, Buffer.of(0xff))), true),
    extension('2.5.29.14', der(DER.octetString, keyIdOf(publicKey))),
  ];
}

/** Gives the extension of a server's DNS names and IPv4 addresses (RFC 5280 4.2.1.6). */
export function alternativeNames(names: readonly string[], addresses: readonly string[] = []): Buffer {
  const values = [
    ...names.map((name) => der(0x82, Buffer.from(name))),
    ...addresses.map((address) => der(0x87, Buffer.from(address.split('.').map(Number)))),
  ];
  return extension('2.5.29.17', derSequence(...values));
}

/** Gives the SHA-1 key id of RFC 5280 4.2.1.2. */
export function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

/** Gives serial number and subject of a certificate, as DER. */
export function partsOf(certificate: Buffer): {
  readonly serial: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
} {
  const [body] = readDerValues(readDer(certificate).content);
  const [, serial, , issuer, , subject] = readDerValues(body?.content ?? Buffer.alloc(0));
  if (serial === undefined || issuer === undefined || subject === undefined) throw new TypeError('no certificate');
  return { serial: serial.bytes, issuer: issuer.bytes, subject: subject.bytes };
}

/** Takes a label and bytes; gives them as PEM (RFC 7468): base64 in lines of 64, between the two that name it. */
export function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function subjectOf(certificate: Buffer): Buffer {
  return partsOf(certificate).subject;
}

function toName(name: CertificateSpec['name']): Buffer {
  if (name === undefined) return derSequence();
  const attribute = (id: string, text: string) =>
    derSet(derSequence(derIdentifier(id), der(DER.utf8String, Buffer.from(text))));
  return derSequence(attribute('2.5.4.10', name.organization), attribute('2.5.4.3', name.commonName));
}

/** RFC 5280 4.1.2.5: UTCTime until 2049, GeneralizedTime after. */
function toTime(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  if (date.getUTCFullYear() >= 2050) return der(DER.generalizedTime, Buffer.from(text));
  return der(DER.utcTime, Buffer.from(text.slice(2)));
}

function ecdsaOf(key: KeyObject): readonly [string, string] {
  const found = ECDSA_ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (found === undefined) throw new TypeError('certificates are signed with P-256 or P-384');
  return found;
}
