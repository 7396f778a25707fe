// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '#core';
import { readShippedKeys } from '../archive-keys.ts';
import { BaseError } from '../error.ts';

/** A key that may sign indexes and packages. */
export interface AlpineKey {
  /** The name of its file in /etc/apk/keys, by which signatures call it. */
  readonly name: string;
  readonly key: KeyObject;
  /** Names of architectures in apk's words; any where left out. */
  readonly architectures?: readonly string[];
}

/** Keys that count, and names of keys that no longer do: a signature by one of those is refused with the reason. */
export interface AlpineKeyring {
  readonly keys: readonly AlpineKey[];
  readonly retired: ReadonlyMap<string, string>;
}

/** A pin: a key of the file that ships with Oakum counts only with this fingerprint (SHA-256 of its SubjectPublicKeyInfo). */
export interface AlpinePin {
  readonly name: string;
  readonly fingerprint: string;
  readonly architectures: readonly string[];
}

/** The keys with which Alpine's builders sign since the branch v3.15, all of 4096 bits. keys/README.md tells how to renew them. */
export const ALPINE_KEYS: readonly AlpinePin[] = [
  {
    name: 'alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub',
    fingerprint: '8a70fc55f1a6fb2a392ad5a3e71aff82a637b2b33659c046f6b6a909bb5d1ab7',
    architectures: ['x86_64'],
  },
  {
    name: 'alpine-devel@lists.alpinelinux.org-616ae350.rsa.pub',
    fingerprint: '479f16f4170a9ea0c65e1de854860949b1a549cfa1f43552f7a2e821c9e2f409',
    architectures: ['aarch64'],
  },
];

const RETIRED_BECAUSE = 'a key of 2048 bits that signed branches before v3.15, all past their end';

/** Keys of Alpine for these architectures that no longer count. */
export const RETIRED_ALPINE_KEYS: ReadonlyMap<string, string> = new Map(
  ['4a6a0840', '5261cecb', '58199dcc'].map((id) => [
    `alpine-devel@lists.alpinelinux.org-${id}.rsa.pub`,
    RETIRED_BECAUSE,
  ]),
);

const MIN_BITS = 2048;
const MAX_KEY_FILE = 64 << 10;

/** Reads Alpine's keys that ship with Oakum; a key without a pin counts for nothing. */
export async function readAlpineKeyring(): Promise<AlpineKeyring> {
  const keys = pemBlocks(await readShippedKeys('alpine-keys.pem')).map((pem) => createPublicKey(pem));
  const pinned = ALPINE_KEYS.flatMap(({ name, fingerprint, architectures }) => {
    const key = keys.find((one) => alpineFingerprint(one) === fingerprint);
    return key === undefined ? [] : [{ name, key, architectures }];
  });
  return { keys: pinned, retired: RETIRED_ALPINE_KEYS };
}

/**
 * Reads the keys of somebody's own repositories: a file `NAME.rsa.pub` with a public RSA key in PEM, or a folder of such. Each counts
 * for every architecture, under its file's name, as in /etc/apk/keys. Throws `BASE_KEYRING_INVALID`.
 */
export async function readAlpineKeys(path: string): Promise<AlpineKeyring> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const files = isFolder
      ? (await readdir(path)).filter((name) => name.endsWith('.pub')).map((name) => join(path, name))
      : [path];
    if (files.length === 0) throw new Error('no file in it ends with .rsa.pub');
    return { keys: await Promise.all(files.map(readKey)), retired: new Map() };
  } catch (error) {
    throw new BaseError('BASE_KEYRING_INVALID', `the keyring can't be used: ${messageOf(error)}`, {
      where: path,
      hint: 'Name a public RSA key in PEM, its file called as signatures call it (as abuild-keygen makes it), or a folder of such.',
      cause: error,
    });
  }
}

/** Gives a key's fingerprint: SHA-256 of its SubjectPublicKeyInfo (RFC 5280 4.1.2.7), in hex. */
export function alpineFingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

async function readKey(file: string): Promise<AlpineKey> {
  const { size } = await stat(file);
  if (size > MAX_KEY_FILE) throw new Error(`${basename(file)} is no key`);
  const key = createPublicKey(await readFile(file));
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`${basename(file)} is no RSA key`);
  if (bits < MIN_BITS) throw new Error(`${basename(file)} is too weak, of ${bits} bits`);
  return { name: basename(file), key };
}

function pemBlocks(text: string): readonly string[] {
  return text.match(/-----BEGIN PUBLIC KEY-----[^]*?-----END PUBLIC KEY-----/g) ?? [];
}
