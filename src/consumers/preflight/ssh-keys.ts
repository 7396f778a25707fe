// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey } from 'node:crypto';

/** A public key of SSH: its type as its blob says, and the bits of its modulus if it is RSA. */
export interface SshKey {
  readonly type: string;
  readonly bits: number | undefined;
}

/** A line of known_hosts with a key; `at` counts from the start of the text. */
export interface KnownHost extends SshKey {
  readonly at: number;
}

/** Gives the keys of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) that are not revoked; lines without a key are left out. */
export function readKnownHosts(text: string): readonly KnownHost[] {
  const keys: KnownHost[] = [];
  let at = 0;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/[ \t]+/);
    const isMarked = words[0]?.startsWith('@') === true;
    const blob = words[isMarked ? 3 : 2];
    if (blob !== undefined && words[0] !== '@revoked' && !line.trimStart().startsWith('#')) {
      const key = readKeyBlob(Buffer.from(blob, 'base64'));
      if (key !== undefined) keys.push({ ...key, at: at + (line.length - line.trimStart().length) });
    }
    at += line.length + 1;
  }
  return keys;
}

/** Reads the wire format of a public key (RFC 4253, 6.6); undefined where it is none. */
function readKeyBlob(blob: Buffer): SshKey | undefined {
  const type = readString(blob, 0)?.toString('latin1');
  if (type === undefined || !/^[a-z0-9][\w.@-]{2,63}$/i.test(type)) return undefined;
  if (type !== 'ssh-rsa') return { type, bits: undefined };
  const exponent = readString(blob, 4 + type.length);
  const modulus = exponent && readString(blob, 8 + type.length + exponent.length);
  return modulus === undefined ? undefined : { type, bits: bitsOf(modulus) };
}

function readString(blob: Buffer, at: number): Buffer | undefined {
  if (at + 4 > blob.length) return undefined;
  const length = blob.readUInt32BE(at);
  return at + 4 + length > blob.length ? undefined : blob.subarray(at + 4, at + 4 + length);
}

function bitsOf(modulus: Buffer): number {
  const first = modulus.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
}

/** Says what key a private key in PEM is, as far as it can be told without its passphrase. */
export function readPrivateKey(pem: string): SshKey | undefined {
  const [, label = ''] = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----/.exec(pem) ?? [];
  if (label === 'DSA ') return { type: 'ssh-dss', bits: undefined };
  if (label === 'OPENSSH ') return readOpensshKey(pem);
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem.trim());
    if (asymmetricKeyType === 'dsa') return { type: 'ssh-dss', bits: undefined };
    return asymmetricKeyType === 'rsa' ? { type: 'ssh-rsa', bits: asymmetricKeyDetails?.modulusLength } : undefined;
  } catch {
    return undefined;
  }
}

/** The public key stands before what the passphrase protects (OpenSSH, PROTOCOL.key): magic, cipher, KDF, its options, count, key. */
function readOpensshKey(pem: string): SshKey | undefined {
  const body = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64');
  if (body.subarray(0, 15).toString('latin1') !== 'openssh-key-v1\0') return undefined;
  let at = 15;
  for (let field = 0; field < 3; field += 1) at += 4 + (readString(body, at)?.length ?? body.length);
  const key = readString(body, at + 4);
  return key && readKeyBlob(key);
}
