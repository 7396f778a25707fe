// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { chmod, lchown, link, lstat, lutimes, mkdir, open, readdir, readlink, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '#cache';
import type { TarEntry } from '#formats';
import { ImageError } from './error.ts';
import { WHITEOUT } from './tree-order.ts';

/** A root filesystem being laid in a folder, one layer's entry after the other. */
export interface Root {
  /** Says that the entries that follow belong to the next layer. */
  beginLayer(): void;
  apply(entry: TarEntry): Promise<void>;
  /** Sets what later entries would disturb: modes and times of directories. */
  finish(): Promise<void>;
}

const OPAQUE = '.wh..wh..opq';
const MAX_LINKS = 40;

interface State {
  readonly folder: string;
  readonly owners: boolean;
  /** Paths that the layer at hand has brought, with their parents. */
  readonly written: Set<string>;
  readonly directories: Map<string, TarEntry>;
}

/** Opens an empty folder as a root. Nobody else may write to it meanwhile: what is a directory now must still be one a moment later. */
export function openRoot(folder: string, owners: boolean): Root {
  const state: State = { folder, owners, written: new Set(), directories: new Map() };
  return {
    beginLayer: () => state.written.clear(),
    apply: (entry) => apply(state, entry),
    async finish() {
      const deepestFirst = [...state.directories].sort(([a], [b]) => b.length - a.length);
      for (const [path, entry] of deepestFirst) await settle(join(folder, path), entry, owners);
    },
  };
}

async function apply(state: State, entry: TarEntry): Promise<void> {
  if (entry.path === '') {
    state.directories.set('', entry);
    return;
  }
  const slash = entry.path.lastIndexOf('/');
  const parent = await resolveFolder(state.folder, entry.path.slice(0, Math.max(0, slash)));
  const name = entry.path.slice(slash + 1);
  if (name === OPAQUE) return hideBelow(state, parent);
  if (name.startsWith(WHITEOUT)) return hide(state, parent, name.slice(WHITEOUT.length), entry.path);
  const path = below(parent, name);
  await place(state, entry, path);
  for (let part = path; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('/')))) state.written.add(part);
}

async function hide(state: State, parent: string, name: string, where: string): Promise<void> {
  if (name === '' || name === '.' || name === '..') {
    throw new ImageError('LAYER_INVALID', 'a whiteout names nothing that could be removed', { where });
  }
  const path = below(parent, name);
  if (!state.written.has(path)) await drop(state, path);
}

/** An opaque whiteout hides what lower layers hold, not what this layer has already brought. */
async function hideBelow(state: State, parent: string): Promise<void> {
  for (const name of await readdir(join(state.folder, parent))) {
    const path = below(parent, name);
    if (!state.written.has(path)) await drop(state, path);
    else if ((await lstat(join(state.folder, path))).isDirectory()) await hideBelow(state, path);
  }
}

async function drop({ folder, directories }: State, path: string): Promise<void> {
  await removeTree(join(folder, path));
  for (const known of directories.keys()) if (known === path || known.startsWith(`${path}/`)) directories.delete(known);
}

async function place(state: State, entry: TarEntry, path: string): Promise<void> {
  const full = join(state.folder, path);
  const there = await lstat(full).catch(() => undefined);
  if (entry.kind === 'directory') {
    if (there !== undefined && !there.isDirectory()) await drop(state, path);
    await mkdir(full, { recursive: true });
    state.directories.set(path, entry);
    return;
  }
  const source = entry.kind === 'hardlink' ? await existingFile(state.folder, entry.target, entry.path) : undefined;
  if (source === full) return;
  if (there !== undefined) await drop(state, path);
  if (source !== undefined) return link(source, full);
  if (entry.kind === 'symlink') {
    await symlink(entry.target, full);
    if (state.owners) await lchown(full, entry.uid, entry.gid);
    return lutimes(full, entry.mtime, entry.mtime);
  }
  if (entry.kind !== 'file') return;
  await writeFile(full, entry.body);
  await settle(full, entry, state.owners);
}

async function settle(full: string, entry: TarEntry, owners: boolean): Promise<void> {
  if (owners) await lchown(full, entry.uid, entry.gid);
  await chmod(full, owners ? entry.mode : entry.mode & 0o1777);
  await utimes(full, entry.mtime, entry.mtime);
}

function below(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`;
}

async function writeFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** Gives the plain file a hard link means, which no link may stand before or in place of. */
async function existingFile(folder: string, target: string, where: string): Promise<string> {
  const slash = target.lastIndexOf('/');
  const parent = await resolveFolder(folder, target.slice(0, Math.max(0, slash)));
  const full = join(folder, parent, target.slice(slash + 1));
  if ((await lstat(full).catch(() => undefined))?.isFile() === true) return full;
  throw new ImageError('LAYER_INVALID', `a hard link points at ${target}, which is no file`, { where });
}

/**
 * Takes a path below the root; gives the real one that it means inside the root, as a process with that root would
 * see it: links are followed by hand, absolute ones and `..` never lead out. Missing directories are made.
 */
async function resolveFolder(folder: string, path: string): Promise<string> {
  const todo = path.split('/').filter((part) => part !== '');
  let done: string[] = [];
  for (let links = 0; todo.length > 0; ) {
    const part = todo.shift() as string;
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = [...done, part].join('/');
    const found = await lstat(join(folder, here)).catch(() => undefined);
    if (found === undefined) await mkdir(join(folder, here), { mode: 0o755 });
    if (found?.isSymbolicLink()) {
      links += 1;
      if (links > MAX_LINKS) throw new ImageError('LAYER_INVALID', 'too many links in a path', { where: path });
      const target = await readlink(join(folder, here));
      if (target.startsWith('/')) done = [];
      todo.unshift(...target.split('/').filter((step) => step !== ''));
    } else if (found !== undefined && !found.isDirectory()) {
      throw new ImageError('LAYER_INVALID', `${here} is no directory, yet an entry lies below it`, { where: path });
    } else {
      done = [...done, part];
    }
  }
  return done.join('/');
}
