// SPDX-License-Identifier: Apache-2.0
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#core';
import { FormatError, parseUnifiedDiff } from '#formats';
import { PatchError } from './error.ts';
import type { PatchFile } from './overlay.ts';

const MAX_BYTES = 4 << 20;

/**
 * Reads a component's patch files: `patches/<component>/*.patch` below a folder, in the order of their names; none where there
 * is no such folder. Each must be a plain file that holds a unified diff. Throws `PATCH_FILE_INVALID`.
 */
export async function readPatchFiles(folder: string, component: string): Promise<readonly PatchFile[]> {
  const place = join('patches', component);
  const names = await readdir(join(folder, place)).catch(() => []);
  const wanted = names.filter((name) => name.endsWith('.patch')).sort();
  return Promise.all(wanted.map((name) => readPatchFile(folder, `${place}/${name}`)));
}

async function readPatchFile(folder: string, file: string): Promise<PatchFile> {
  const path = join(folder, file);
  try {
    const found = await lstat(path);
    if (!found.isFile() || found.size > MAX_BYTES)
      throw new PatchError('PATCH_FILE_INVALID', `a patch must be a plain file of at most ${MAX_BYTES} bytes`, {
        where: path,
      });
    const text = await readFile(path, 'utf8');
    parseUnifiedDiff(text);
    return { file, text };
  } catch (error) {
    if (error instanceof PatchError) throw error;
    const what = error instanceof FormatError ? 'this is no patch that can be applied' : "a patch can't be read";
    throw new PatchError('PATCH_FILE_INVALID', `${what}: ${messageOf(error)}`, { where: path, cause: error });
  }
}
