// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createFile, replaceFile } from '#core';
import { EvidenceError } from '../error.ts';
import { formatPublicKey, generateKey, type KeyKind, readPrivateKey } from './key-file.ts';

/** This machine's own key. `created` is true for the call that made it: its caller tells the user. */
export interface LocalKey {
  readonly privateKey: KeyObject;
  readonly created: boolean;
  /** The private key's file; the public half lies beside it, ending in `.pub`. */
  readonly path: string;
  readonly publicPath: string;
}

/** How {@link openLocalKey} opens the key: `create` makes one where there is none (the default). */
export interface LocalKeyOptions {
  readonly create?: boolean;
  readonly kind?: KeyKind;
}

/**
 * Opens the key pair in Oakum's data folder, made on first use: `keys/oakum.key` (PKCS #8, mode 0600) in a folder of mode
 * 0700, and `keys/oakum.pub`. Runs that start together end up with one key. Throws `KEY_MISSING` where there is none and
 * none may be made, `KEY_EXPOSED` where others may read it.
 */
export async function openLocalKey(dataFolder: string, options: LocalKeyOptions = {}): Promise<LocalKey> {
  const folder = join(dataFolder, 'keys');
  const path = join(folder, 'oakum.key');
  const publicPath = join(folder, 'oakum.pub');
  let created = false;
  if (!(await exists(path))) {
    if (options.create === false) {
      throw new EvidenceError('KEY_MISSING', 'there is no key yet', {
        where: path,
        hint: 'Run "oakum key generate", or sign something: the first local use makes a key pair.',
      });
    }
    await mkdir(dataFolder, { recursive: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const { privateKey } = await generateKey({ kind: options.kind ?? 'ecdsa-p256' });
    created = await createFile(path, privateKey);
  }
  const privateKey = await readOwn(path);
  const publicPem = formatPublicKey(createPublicKey(privateKey));
  const known = await readFile(publicPath, 'utf8').catch(() => undefined);
  if (known !== publicPem) await replaceFile(publicPath, publicPem);
  return { privateKey, created, path, publicPath };
}

async function readOwn(path: string): Promise<KeyObject> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new EvidenceError('KEY_EXPOSED', 'others on this machine may read the key', {
      where: path,
      hint: `Run "chmod 600 ${path}", and ask yourself who has read it.`,
    });
  }
  return readPrivateKey(await readFile(path), { where: path });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
