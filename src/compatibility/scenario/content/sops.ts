// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

/** A data key as one master key has wrapped it, as it stands in a SOPS file's metadata (stores/stores.go of getsops/sops). */
export interface WrappedKey {
  readonly list: 'kms' | 'gcp_kms' | 'azure_kv' | 'hc_vault' | 'pgp' | 'age';
  readonly entry: Readonly<Record<string, string>>;
}

/** What wraps data keys. */
export interface MasterKey {
  wrap(dataKey: Uint8Array, now: Date): WrappedKey | Promise<WrappedKey>;
}

/** A master key that is a file: whoever has it can unwrap. */
export interface KeyFile extends MasterKey {
  /** What stands in the file. */
  readonly secret: string;
}

/** Makes an age key on X25519. */
export async function createAgeKey(): Promise<KeyFile> {
  const { armor, Encrypter, generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const secret = await generateX25519Identity();
  const recipient = await identityToRecipient(secret);
  return {
    secret,
    async wrap(dataKey) {
      const encrypter = new Encrypter();
      encrypter.addRecipient(recipient);
      return { list: 'age', entry: { recipient, enc: armor.encode(await encrypter.encrypt(dataKey)) } };
    },
  };
}

/** Makes an OpenPGP key on P-256. */
export async function createOpenpgpKey(): Promise<KeyFile> {
  const { createMessage, encrypt, generateKey } = await import('openpgp');
  const name = { name: 'Oakum scenario', email: 'scenario@oakum.test' };
  const key = await generateKey({ type: 'ecc', curve: 'nistP256', userIDs: [name], format: 'object' });
  return {
    secret: key.privateKey.armor(),
    async wrap(dataKey, now) {
      const message = await createMessage({ binary: dataKey });
      const enc = await encrypt({ message, encryptionKeys: key.publicKey, format: 'armored' });
      return {
        list: 'pgp',
        entry: { created_at: sopsTime(now), enc, fp: key.publicKey.getFingerprint().toUpperCase() },
      };
    },
  };
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

/** A SOPS file's form of a time: RFC 3339, to the second. */
export function sopsTime(now: Date): string {
  return `${now.toISOString().slice(0, 19)}Z`;
}

/**
 * Gives a Secret as YAML that SOPS and kustomize-controller decrypt with any of some master keys (https://getsops.io/docs/#encryption-protocol):
 * each value sealed by AES-256-GCM with its path as additional data, the data key by each master key, all values together by a hash.
 */
export async function encryptSecret(secret: PlainSecret, keys: readonly MasterKey[], now: Date): Promise<string> {
  const dataKey = randomBytes(32);
  const wrapped = await Promise.all(keys.map(async (key) => key.wrap(dataKey, now)));
  const lists = [...Map.groupBy(wrapped, ({ list }) => list)].map(([list, all]) => [
    list,
    all.map(({ entry }) => entry),
  ]);
  const lastmodified = sopsTime(now);
  const stringData = Object.fromEntries(
    Object.entries(secret.stringData).map(([name, value]) => [name, seal(value, dataKey, `stringData:${name}:`)]),
  );
  const file = {
    ...secret,
    stringData,
    sops: {
      ...Object.fromEntries(lists),
      lastmodified,
      mac: seal(hashOf(secret), dataKey, lastmodified),
      encrypted_regex: ENCRYPTED,
      version: SOPS_VERSION,
    },
  };
  return stringify(file, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' }); // sops takes no times for texts
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
