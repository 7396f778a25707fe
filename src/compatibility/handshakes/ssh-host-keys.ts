// SPDX-License-Identifier: Apache-2.0
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { DER, derInteger, derSequence, readDer, readDerValues, toPem } from '#formats';
import { createEcdsaKey, type SshKey, sshStrings } from '../scenario/servers/ssh-keys.ts';

/** Host keys by type and size in bits. */
export type HostKeyKind = 'ecdsa 256' | 'ecdsa 384' | 'ecdsa 521' | 'ed25519' | 'rsa 2048' | 'dsa 1024';

/** Makes a host key of each kind. */
export async function createHostKeys(): Promise<Readonly<Record<HostKeyKind, SshKey>>> {
  const { default: ssh2 } = await import('ssh2');
  const { generateKeyPairSync } = ssh2.utils;
  return {
    'ecdsa 256': createEcdsaKey(),
    'ecdsa 384': read(generateKeyPairSync('ecdsa', { bits: 384 })),
    'ecdsa 521': read(generateKeyPairSync('ecdsa', { bits: 521 })),
    ed25519: read(generateKeyPairSync('ed25519')),
    'rsa 2048': read(generateKeyPairSync('rsa', { bits: 2048 })),
    'dsa 1024': await createDsaKey(),
  };
}

/** Takes a pair as ssh2 gives it: the public half is a line of an authorized_keys file. */
function read(pair: { readonly private: string; readonly public: string }): SshKey {
  const [type = '', blob = ''] = pair.public.split(' ');
  return { pem: pair.private, type, blob: Buffer.from(blob, 'base64') };
}

/** ssh2 makes no DSA keys, and reads them in OpenSSL's old form alone: version, p, q, g, y, x. */
async function createDsaKey(): Promise<SshKey> {
  const keys = await promisify(generateKeyPair)('dsa', { modulusLength: 1024, divisorLength: 160 });
  const { algorithm, key: y } = partsOf(keys.publicKey, 'spki');
  const { key: x } = partsOf(keys.privateKey, 'pkcs8');
  const numbers = [...readDerValues(readDerValues(algorithm)[1]?.content ?? Buffer.alloc(0)), readDer(y)];
  const old = derSequence(derInteger(0), ...numbers.map(({ bytes }) => bytes), x);
  const type = 'ssh-dss';
  return {
    pem: toPem('DSA PRIVATE KEY', old),
    type,
    blob: sshStrings(type, ...numbers.map(({ content }) => content)),
  };
}

/** Gives the algorithm and the key of a SubjectPublicKeyInfo (RFC 5280 4.1) or PrivateKeyInfo (RFC 5208 5). */
function partsOf(key: KeyObject, type: 'spki' | 'pkcs8'): { readonly algorithm: Buffer; readonly key: Buffer } {
  const der = type === 'spki' ? key.export({ type, format: 'der' }) : key.export({ type, format: 'der' });
  const members = readDerValues(readDer(der).content);
  const algorithm = members.find(({ tag }) => tag === DER.sequence);
  const last = members.findLast(({ tag }) => tag === DER.bitString || tag === DER.octetString);
  if (algorithm === undefined || last === undefined) throw new TypeError('no key');
  // a bit string says first how many bits of its last byte are unused: none
  return { algorithm: algorithm.content, key: last.content.subarray(last.tag === DER.bitString ? 1 : 0) };
}
