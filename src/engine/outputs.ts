// SPDX-License-Identifier: Apache-2.0
import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, lchown, lstat, open, opendir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EngineError } from './error.ts';

/** A regular file that a step left, opened without following any link. Close the handle. */
export interface Output {
  readonly handle: FileHandle;
  readonly size: number;
  readonly executable: boolean;
}

/**
 * Opens a file that a step left below `folder`. A step's output is hostile: links, in the path's last part or before it,
 * sockets, pipes and devices are refused (`OUTPUT_UNSAFE`), absence is `OUTPUT_MISSING`.
 */
export async function openOutput(folder: string, path: string): Promise<Output> {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw unsafe(path, 'is no plain relative path');
  // Each part is opened through the descriptor of the one before, so that nothing can be exchanged underneath.
  let parent = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const part of parts.slice(0, -1)) {
      const next = await openPart(parent, part, { path, flags: constants.O_DIRECTORY });
      await parent.close();
      parent = next;
    }
    const handle = await openPart(parent, parts.at(-1) ?? '', { path, flags: constants.O_NONBLOCK });
    const facts = await handle.stat();
    if (facts.isFile()) return { handle, size: facts.size, executable: (facts.mode & 0o100) !== 0 };
    await handle.close();
    throw unsafe(path, 'is no regular file');
  } finally {
    await parent.close();
  }
}

async function openPart(
  parent: FileHandle,
  name: string,
  options: { path: string; flags: number },
): Promise<FileHandle> {
  try {
    return await open(`/proc/self/fd/${parent.fd}/${name}`, constants.O_RDONLY | constants.O_NOFOLLOW | options.flags);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      throw new EngineError('OUTPUT_MISSING', 'the step did not leave this file', { where: options.path });
    if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO')
      throw unsafe(options.path, 'leads over a link or a file that is none');
    throw error;
  }
}

function unsafe(path: string, fault: string): EngineError {
  return new EngineError('OUTPUT_UNSAFE', `what the step left ${fault}`, {
    where: path,
    hint: 'No honest build leaves this. Look at the source of this step before anything else.',
  });
}

/**
 * Makes what a finished step left safe and ours: owner as told, folders 0755, files 0644 or 0755, no set-id bits; sockets,
 * pipes and devices are removed. Links stay links and are never followed. Call only when no process of the step lives.
 */
export async function settleOutputs(
  folder: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  await settle(folder, owner);
  const open: string[] = [folder];
  while (open.length > 0) {
    const parent = open.pop() as string;
    for await (const entry of await opendir(parent)) {
      const path = join(parent, entry.name);
      if ((await settle(path, owner)) === 'folder') open.push(path);
    }
  }
}

async function settle(
  path: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<'folder' | 'other'> {
  const facts = await lstat(path);
  if (facts.uid !== owner.uid || facts.gid !== owner.gid) await lchown(path, owner.uid, owner.gid);
  if (facts.isSymbolicLink()) return 'other';
  if (!facts.isFile() && !facts.isDirectory()) {
    await rm(path);
    return 'other';
  }
  const mode = settledMode(facts);
  if ((facts.mode & 0o7777) !== mode) await chmod(path, mode);
  return facts.isDirectory() ? 'folder' : 'other';
}

function settledMode(facts: Stats): number {
  return facts.isDirectory() || (facts.mode & 0o100) !== 0 ? 0o755 : 0o644;
}

/** Gives a write mount to the step's account: the folder and all below it, unless its top shows that this was done before. */
export async function handOver(folder: string, account: { readonly uid: number; readonly gid: number }): Promise<void> {
  const top = await lstat(folder);
  if (top.uid === account.uid) return;
  const open: string[] = [resolve(folder)];
  while (open.length > 0) {
    const parent = open.pop() as string;
    for await (const entry of await opendir(parent)) {
      const path = join(parent, entry.name);
      await lchown(path, account.uid, account.gid);
      if (entry.isDirectory()) open.push(path);
    }
  }
  await lchown(folder, account.uid, account.gid); // last, since it marks the work as done
}
