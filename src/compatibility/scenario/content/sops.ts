// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

/** An age key: `identity` decrypts, and anyone may encrypt for `recipient`. */
export interface AgeKey {
  readonly identity: string;
  readonly recipient: string;
}

/** Makes an age key on X25519. */
export async function createAgeKey(): Promise<AgeKey> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** A Secret as it is written; values are texts. */
export interface PlainSecret {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: Readonly<Record<string, string>>;
  readonly stringData: Readonly<Record<string, string>>;
}

const ENCRYPTED = '^(data|stringData)$';
/** The form below is SOPS's since 3.0; the version stands in the file for readers that care. */
const SOPS_VERSION = '3.9.0';

/**
 * Gives a Secret as YAML that SOPS and kustomize-controller decrypt with an age key (https://getsops.io/docs/#encryption-protocol):
 * each value sealed by AES-256-GCM with its path as additional data, the data key by age, all values together by a hash.
 */
export async function encryptSecret(secret: PlainSecret, recipient: string, now: Date): Promise<string> {
  const { armor, Encrypter } = await import('age-encryption');
  const dataKey = randomBytes(32);
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const lastmodified = `${now.toISOString().slice(0, 19)}Z`;
  const stringData = Object.fromEntries(
    Object.entries(secret.stringData).map(([name, value]) => [name, seal(value, dataKey, `stringData:${name}:`)]),
  );
  return stringify({
    ...secret,
    stringData,
    sops: {
      age: [{ recipient, enc: armor.encode(await encrypter.encrypt(dataKey)) }],
      lastmodified,
      mac: seal(hashOf(secret), dataKey, lastmodified),
      encrypted_regex: ENCRYPTED,
      version: SOPS_VERSION,
    },
  });
}

/** A value as SOPS writes it; its nonces are as long as its keys. */
function seal(value: string, key: Buffer, path: string): string {
  const nonce = randomBytes(32);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(path));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  const base64 = (bytes: Buffer) => bytes.toString('base64');
  return `ENC[AES256_GCM,data:${base64(data)},iv:${base64(nonce)},tag:${base64(cipher.getAuthTag())},type:str]`;
}

/** SHA-512 over all values in the order of the file, sealed or not. */
function hashOf({ apiVersion, kind, metadata, stringData }: PlainSecret): string {
  const hash = createHash('sha512');
  for (const value of [apiVersion, kind, ...Object.values(metadata), ...Object.values(stringData)]) hash.update(value);
  return hash.digest('hex').toUpperCase();
}
