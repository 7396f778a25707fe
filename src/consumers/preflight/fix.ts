// SPDX-License-Identifier: Apache-2.0
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '#core';
import { ConsumerError } from '../error.ts';
import type { PreflightEdit, PreflightReport } from './types.ts';

/**
 * Writes what a preflight would change, each file whole or not at all, with the mode it had; everything else in it stays as it is, to
 * the byte. Throws `REPOSITORY_CHANGED`, and writes nothing, where a file is no longer what was read.
 */
export async function fixRepository({ folder, edits }: PreflightReport): Promise<void> {
  const files = await Promise.all(edits.map(async (edit) => prepare(folder, edit)));
  for (const { path, text, mode } of files) await replaceFile(path, text, mode);
}

async function prepare(folder: string, edit: PreflightEdit) {
  const path = join(folder, edit.path);
  const stat = await lstat(path);
  const before = stat.isFile() ? await readFile(path, 'utf8') : '';
  return { path, text: applyEdit(before, edit, path), mode: stat.mode & 0o777 };
}

/** Gives a text with the changes in it. Throws `REPOSITORY_CHANGED` where something else stands in their places. */
export function applyEdit(text: string, { splices }: PreflightEdit, path: string): string {
  const parts: string[] = [];
  let done = 0;
  for (const { start, before, after } of splices) {
    if (text.slice(start, start + before.length) !== before)
      throw new ConsumerError('REPOSITORY_CHANGED', 'the file was changed while it was looked at', {
        where: path,
        hint: 'Nothing was written. Run the command again.',
      });
    parts.push(text.slice(done, start), after);
    done = start + before.length;
  }
  return [...parts, text.slice(done)].join('');
}
