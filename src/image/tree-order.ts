// SPDX-License-Identifier: Apache-2.0
import type { TreeEntry } from '#core';
import { ImageError } from './error.ts';

/** The prefix by which a layer says that something is gone (OCI image-spec, layer.md "Whiteouts"). */
export const WHITEOUT = '.wh.';

/**
 * Takes a tree's entries in any order; gives them in the one order a layer has: parents first (missing ones added,
 * root's, 0755, `epoch`), then by path, hard links after all else. Throws `LAYER_PATH_ESCAPES`, `LAYER_PATH_RESERVED`,
 * `LAYER_PATH_DUPLICATE` or `LAYER_LINK_DANGLING`.
 */
export function orderEntries(entries: Iterable<TreeEntry>, epoch: Date): readonly TreeEntry[] {
  const byPath = new Map<string, TreeEntry>();
  for (const entry of entries) {
    checkPath(entry.path);
    if (byPath.has(entry.path)) {
      throw new ImageError('LAYER_PATH_DUPLICATE', 'two entries of a layer have one path', { where: entry.path });
    }
    byPath.set(entry.path, entry);
  }
  for (const path of byPath.keys()) addParents(byPath, path, epoch); // visits the added ones too, which is harmless
  for (const entry of byPath.values()) checkTarget(byPath, entry);
  return [...byPath.values()].sort(
    (a, b) => Number(a.kind === 'hardlink') - Number(b.kind === 'hardlink') || (a.path < b.path ? -1 : 1),
  );
}

function checkPath(path: string): void {
  const segments = path.split('/');
  if (
    path.includes('\0') ||
    !path.isWellFormed() ||
    segments.some((part) => part === '' || part === '.' || part === '..')
  ) {
    throw new ImageError('LAYER_PATH_ESCAPES', 'an entry of a layer has a path that is not plainly below the root', {
      where: JSON.stringify(path),
      hint: 'Paths are relative, without empty, "." or ".." parts.',
    });
  }
  if (segments.some((part) => part.startsWith(WHITEOUT))) {
    throw new ImageError('LAYER_PATH_RESERVED', `names that start with ${WHITEOUT} mean a deletion in a layer`, {
      where: path,
    });
  }
}

function addParents(byPath: Map<string, TreeEntry>, path: string, epoch: Date): void {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const parent = path.slice(0, slash);
    const known = byPath.get(parent);
    if (known?.kind === 'directory') continue;
    if (known !== undefined) {
      throw new ImageError('LAYER_PATH_ESCAPES', `an entry of a layer lies below ${parent}, which is a ${known.kind}`, {
        where: path,
      });
    }
    byPath.set(parent, { kind: 'directory', path: parent, mode: 0o755, uid: 0, gid: 0, mtime: epoch });
  }
}

function checkTarget(byPath: ReadonlyMap<string, TreeEntry>, entry: TreeEntry): void {
  if (
    entry.kind === 'symlink' &&
    (entry.target === '' || entry.target.includes('\0') || !entry.target.isWellFormed())
  ) {
    throw new ImageError('LAYER_LINK_DANGLING', 'a symbolic link has no usable target', { where: entry.path });
  }
  if (entry.kind === 'hardlink' && byPath.get(entry.target)?.kind !== 'file') {
    throw new ImageError(
      'LAYER_LINK_DANGLING',
      `a hard link points at ${entry.target}, which is no file of its layer`,
      {
        where: entry.path,
      },
    );
  }
}
