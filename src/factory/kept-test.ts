// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Cache, removeTree } from '#cache';
import { type Digest, measure, temporaryName } from '#core';
import type { Document } from '#image';

/** What is kept of a test, in a folder of its own. */
export interface KeptTest {
  /** The record's file, and its text. */
  readonly name: string;
  readonly text: string;
  /** The attestation. */
  readonly signed: Document;
  /** Files, by the name under which they are kept. */
  readonly logs: Readonly<Record<string, string>>;
}

/** Keeps a test in place of an older one: whole, or not at all. */
export async function keepTest(folder: string, { name, text, signed, logs }: KeptTest): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const draft = temporaryName(folder);
  try {
    await mkdir(draft);
    await writeFile(join(draft, name), text);
    await writeFile(join(draft, 'attestation.sigstore.json'), signed.bytes);
    for (const [log, path] of Object.entries(logs)) await copyFile(path, join(draft, log));
    await removeTree(folder);
    await rename(draft, folder);
  } finally {
    await removeTree(draft);
  }
}

/** Gives a fresh folder that every user may enter, since controllers run as another, to `work`; it is gone afterwards. */
export async function inTestFolder<T>(cache: Cache, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = cache.temporary();
  await makeOpenFolder(folder);
  try {
    return await work(folder);
  } finally {
    await removeTree(folder);
  }
}

/** Makes a folder that every user may enter, whatever the umask. */
export async function makeOpenFolder(folder: string): Promise<void> {
  await mkdir(folder);
  await chmod(folder, 0o755);
}

/** Gives the digests of files, by name. */
export async function digestsOfFiles(files: Readonly<Record<string, string>>): Promise<Record<string, Digest>> {
  const measured = Object.entries(files).map(
    async ([name, path]) => [name, (await measure(createReadStream(path))).digest] as const,
  );
  return Object.fromEntries(await Promise.all(measured));
}
