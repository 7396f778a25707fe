// SPDX-License-Identifier: Apache-2.0
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Takes a path; gives a name beside it that no other run uses, for "write, then rename". */
export function temporaryName(path: string): string {
  const { randomBytes } = process.getBuiltinModule('node:crypto'); // as in digest.ts
  return `${path}.tmp-${process.pid}-${randomBytes(6).toString('hex')}`;
}

/**
 * Writes a small file so that a reader, or a crash, sees the old content or the new one, never a part:
 * temporary name beside it, fsync, rename. Makes missing folders. Mode is 0644 unless told.
 */
export async function replaceFile(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    await writeSynced(temporary, content, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes a file that was not there, whole or not at all; gives false where there is one: link(2) does not replace.
 * Only its owner may read it unless `mode` says otherwise.
 */
export async function createFile(path: string, content: string, mode = 0o600): Promise<boolean> {
  const temporary = temporaryName(path);
  try {
    await writeSynced(temporary, content, mode);
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
