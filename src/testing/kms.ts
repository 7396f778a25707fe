// SPDX-License-Identifier: Apache-2.0
import { constants, createECDH, createHash, generateKeyPairSync, type KeyObject, privateEncrypt } from 'node:crypto';
import { DER, der, derInteger, derSequence, derIdentifier } from '#formats';
import { type Loopback, type LoopbackAnswer, startLoopback } from './loopback.ts';

/** A key management service that speaks AWS KMS' JSON protocol: GetPublicKey and Sign of digests, for one key. */
export interface KeyManagement extends Pick<Loopback, 'url' | 'requests' | 'answerNext' | 'stop'> {
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

/** What is wrong with a service: `hashes-again` is moto's mistake with MessageType DIGEST. */
export interface KeyManagementOptions {
  readonly keySpec?: 'ECC_NIST_P256' | 'RSA_3072';
  readonly fault?: 'hashes-again';
}

/** The order of P-256 (SEC 2, 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Starts a service with a fresh key. It does not check who asks. */
export async function startKeyManagement(options: KeyManagementOptions = {}): Promise<KeyManagement> {
  const keySpec = options.keySpec ?? 'ECC_NIST_P256';
  const keys =
    keySpec === 'RSA_3072'
      ? generateKeyPairSync('rsa', { modulusLength: 3072 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = 'arn:aws:kms:eu-central-1:000000000000:key/11111111-2222-3333-4444-555555555555';
  const algorithm = keySpec === 'RSA_3072' ? 'RSASSA_PKCS1_V1_5_SHA_256' : 'ECDSA_SHA_256';

  function sign(asked: Readonly<Record<string, string>>): LoopbackAnswer {
    const message = Buffer.from(asked['Message'] ?? '', 'base64');
    if (asked['MessageType'] !== 'DIGEST') return refuse('UnsupportedOperationException', 'digests alone');
    if (asked['SigningAlgorithm'] !== algorithm)
      return refuse('InvalidKeyUsageException', 'not an algorithm of this key');
    if (message.length !== 32) return refuse('ValidationException', 'Digest is invalid length for algorithm');
    const digest = options.fault === 'hashes-again' ? createHash('sha256').update(message).digest() : message;
    const signature = keySpec === 'RSA_3072' ? signRsa(digest, keys.privateKey) : signEcdsa(digest, keys.privateKey);
    return {
      status: 200,
      body: { KeyId: keyId, Signature: signature.toString('base64'), SigningAlgorithm: algorithm },
    };
  }

  const server = await startLoopback(({ method, headers, body }) => {
    if (method !== 'POST' || headers['content-type'] !== 'application/x-amz-json-1.1') return { status: 404 };
    if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=') !== true)
      return refuse('MissingAuthenticationTokenException', 'who asks?');
    const asked = JSON.parse(body.toString()) as Record<string, string>;
    if (asked['KeyId'] !== keyId && asked['KeyId'] !== 'alias/oakum')
      return refuse('NotFoundException', `Key '${asked['KeyId']}' does not exist`);
    if (headers['x-amz-target'] === 'TrentService.Sign') return sign(asked);
    if (headers['x-amz-target'] !== 'TrentService.GetPublicKey')
      return refuse('UnknownOperationException', 'no such operation');
    const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    return {
      status: 200,
      body: {
        KeyId: keyId,
        KeySpec: keySpec,
        KeyUsage: 'SIGN_VERIFY',
        PublicKey: publicKey,
        SigningAlgorithms: [algorithm],
      },
    };
  });
  return { ...server, keyId, publicKey: keys.publicKey };
}

function refuse(type: string, message: string): LoopbackAnswer {
  return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: { __type: type, message } };
}

/** FIPS 186-5 6.4.1 for P-256 on a digest as it is, which Node's own `sign` can't do. The nonce is random; enough for tests. */
function signEcdsa(digest: Buffer, key: KeyObject): Buffer {
  const secret = toNumber(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const curve = createECDH('prime256v1');
  const point = curve.generateKeys();
  const nonce = toNumber(curve.getPrivateKey());
  const r = toNumber(point.subarray(1, 33)) % ORDER;
  const s = (power(nonce, ORDER - 2n) * (toNumber(digest) + r * secret)) % ORDER;
  return derSequence(derInteger(toBytes(r)), derInteger(toBytes(s)));
}

/** RFC 8017 8.2.1 on a digest: a DigestInfo, padded and raised. */
function signRsa(digest: Buffer, key: KeyObject): Buffer {
  const algorithm = derSequence(derIdentifier('2.16.840.1.101.3.4.2.1'), der(DER.null));
  const info = derSequence(algorithm, der(DER.octetString, digest));
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, info);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base % ORDER, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % ORDER;
    square = (square * square) % ORDER;
  }
  return result;
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}
