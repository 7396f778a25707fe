// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { readdir, readlink, realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { messageOf } from '#core';
import { ConsumerError } from '../error.ts';
import type { Skipped } from './types.ts';

/** The files of a repository by name; nothing of them is read yet. */
export interface Listing {
  readonly root: string;
  /** Relative, with slashes, in order. */
  readonly paths: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly templates: number;
}

const MOST_FILES = 500_000;
const MOST_BYTES = 16 << 20;
/** What is no part of what Flux takes from a repository. */
const LEFT_OUT = new Set(['.git', 'node_modules']);
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Lists the files of a folder. Links are not followed, as Flux leaves them out of its artifacts; templates of Helm charts are counted
 * alone. Throws `REPOSITORY_UNREADABLE` where the folder is none, or holds more than 500,000 files.
 */
export async function listRepository(folder: string): Promise<Listing> {
  const root = await realpath(folder).catch((error: unknown) => {
    throw unreadable(folder, messageOf(error), error);
  });
  const found = { paths: [] as string[], skipped: [] as Skipped[], templates: 0 };
  const waiting = [''];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch((error: unknown) => {
      if (path === '') throw unreadable(folder, messageOf(error), error);
      found.skipped.push({ path: `${path}/`, reason: 'unreadable', detail: messageOf(error) });
      return [];
    });
    const isChart = entries.some(({ name }) => name === 'Chart.yaml');
    for (const entry of entries) {
      const inner = posix.join(path, entry.name);
      if (entry.isDirectory()) {
        if (isChart && entry.name === 'templates') found.templates += await countFiles(join(root, inner));
        else if (!LEFT_OUT.has(entry.name)) waiting.push(inner);
      } else if (entry.isFile()) found.paths.push(inner);
      else found.skipped.push(entry.isSymbolicLink() ? await describeLink(root, inner) : special(inner));
    }
    if (found.paths.length > MOST_FILES) throw unreadable(folder, `more than ${MOST_FILES} files`);
  }
  found.paths.sort();
  return { root, ...found };
}

function unreadable(folder: string, reason: string, cause?: unknown): ConsumerError {
  return new ConsumerError('REPOSITORY_UNREADABLE', `the repository can't be read: ${reason}`, {
    where: folder,
    hint: 'Name the folder of a GitOps repository, or a part of it.',
    cause,
  });
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
}

function special(path: string): Skipped {
  return { path, reason: 'special', detail: 'no regular file: a device, socket or pipe' };
}

async function describeLink(root: string, path: string): Promise<Skipped> {
  const target = await readlink(join(root, path)).catch(() => '?');
  const real = await realpath(join(root, path)).catch(() => undefined);
  const isInside = real === undefined || real === root || real.startsWith(`${root}/`);
  const missing = real === undefined ? ', which is not there or goes in a circle' : '';
  return { path, reason: isInside ? 'link' : 'link out of the repository', detail: `points to ${target}${missing}` };
}

/** What came of reading a file: its text, that it is binary, or why it was skipped. */
export type Reading = { readonly text: string } | 'binary' | Skipped;

/**
 * Reads a file of at most 16 MiB as UTF-8. It is opened without following a link, and must be regular, whatever it was when it was
 * listed. Synchronous, as ten thousand small files take a tenth of the time that way. Never throws.
 */
export function readText(root: string, path: string): Reading {
  try {
    const file = openSync(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) return special(path);
      if (stat.size > MOST_BYTES)
        return { path, reason: 'too large', detail: `${stat.size} bytes, of which at most ${MOST_BYTES} are read` };
      const bytes = Buffer.allocUnsafe(stat.size);
      return toText(path, bytes.subarray(0, readSync(file, bytes, 0, stat.size, 0)));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return { path, reason: 'unreadable', detail: messageOf(error) };
  }
}

function toText(path: string, bytes: Buffer): Reading {
  if (bytes.subarray(0, 8192).includes(0)) return 'binary';
  try {
    return { text: UTF8.decode(bytes) };
  } catch {
    return /\.(?:ya?ml|json)$|(?:^|\/)Kustomization$/.test(path)
      ? { path, reason: 'not UTF-8', detail: 'no text in UTF-8' }
      : 'binary';
  }
}
