// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import type { Cache } from '#cache';
import type { TreeEntry } from '#core';
import { BaseError } from './error.ts';
import { dropReason, mergedUsrPath } from './rules.ts';
import { SKELETON } from './skeleton.ts';
import { streamSlice } from './spool.ts';
import type { RootForm } from './types.ts';
import type { UnpackedDeb, UnpackedEntry } from './unpack-deb.ts';

/** An entry in the making and the package it comes from. */
export interface Placed {
  readonly owner: string;
  readonly entry: TreeEntry;
}

/** A package's name and its content. */
export interface NamedDeb {
  readonly name: string;
  readonly deb: UnpackedDeb;
}

/** The name under which the composer's own entries stand in errors. */
const OWN = 'oakum';

/**
 * Lays the packages over each other by the rules: dropped entries left out, paths of a merged /usr, folders that
 * dropping has emptied removed. One folder may come from many packages (the first in the order given sets its mode);
 * anything else at one path from two throws `BASE_FILE_CONFLICT` naming both.
 */
export function layPackages(
  debs: readonly NamedDeb[],
  { cache, epoch, form }: { readonly cache: Cache; readonly epoch: Date; readonly form: RootForm },
): Map<string, Placed> {
  const tree = new Map<string, Placed>();
  const emptied = new Set<string>();
  for (const { name, deb } of debs) {
    const byPath = new Map(deb.entries.map((entry) => [entry.path, entry]));
    for (const entry of deb.entries) {
      const path = mergedUsrPath(entry.path);
      if (path === '') continue;
      if (dropReason(path, entry, form) !== undefined) {
        emptied.add(posix.dirname(path));
        continue;
      }
      const known = tree.get(path);
      if (known === undefined)
        tree.set(path, { owner: name, entry: toTreeEntry(path, entry, { deb, byPath, cache, epoch, form }) });
      else if (known.entry.kind !== 'directory' || entry.kind !== 'directory') throw conflict(path, known.owner, name);
    }
  }
  removeEmptied(tree, emptied);
  return tree;
}

/** Puts one of the composer's own entries at its path; see {@link SKELETON} for what it may replace. */
export function placeOwn(tree: Map<string, Placed>, entry: TreeEntry): void {
  const known = tree.get(entry.path);
  if (entry.kind !== 'directory') {
    const child = [...tree].find(([path]) => path.startsWith(`${entry.path}/`));
    if (child !== undefined) throw conflict(child[0], child[1].owner, OWN);
  }
  tree.set(entry.path, { owner: known?.owner ?? OWN, entry });
}

/** Adds what the maintainer scripts would have made, and folders that packages take for granted. */
export function placeSkeleton(tree: Map<string, Placed>, epoch: Date): void {
  for (const own of SKELETON) {
    const common = { path: own.path, uid: 0, gid: 0, mtime: epoch };
    if (own.kind === 'file') placeOwn(tree, ownFile(own.path, Buffer.from(own.text), epoch));
    else if (own.kind === 'symlink') placeOwn(tree, { ...common, kind: 'symlink', mode: 0o777, target: own.target });
    else {
      const owner = own.owner ?? 0;
      placeOwn(tree, { ...common, kind: 'directory', mode: own.mode, uid: owner, gid: owner });
    }
  }
}

/** Gives a root-owned file, mode 0644, with bytes at hand. */
export function ownFile(path: string, content: Buffer, mtime: Date): TreeEntry {
  const size = content.length;
  const open = async function* () {
    yield content;
  };
  return { path, kind: 'file', mode: 0o644, uid: 0, gid: 0, mtime, size, open };
}

interface Origin {
  readonly deb: UnpackedDeb;
  readonly byPath: ReadonlyMap<string, UnpackedEntry>;
  readonly cache: Cache;
  readonly epoch: Date;
  readonly form: RootForm;
}

/** Who runs the image has no other's rights to take, so no program offers them. */
const SET_USER_OR_GROUP = 0o6000;

function toTreeEntry(path: string, entry: UnpackedEntry, origin: Origin): TreeEntry {
  const { mode, uid, gid } = entry;
  const mtime = new Date(Math.min(entry.mtime * 1000, origin.epoch.getTime()));
  const common = { path, mode, uid, gid, mtime };
  if (entry.kind === 'directory') return { ...common, kind: 'directory' };
  if (entry.kind === 'symlink') return { ...common, kind: 'symlink', target: entry.target };
  if (entry.kind === 'file') {
    const plain = origin.form.programs === true ? mode & ~SET_USER_OR_GROUP : mode;
    const slice = { ...entry, spool: origin.deb.spool };
    return { ...common, mode: plain, kind: 'file', size: entry.size, open: () => streamSlice(origin.cache, slice) };
  }
  const first = origin.byPath.get(entry.target);
  const target = mergedUsrPath(entry.target);
  if (first?.kind !== 'file')
    throw new BaseError('BASE_LINK_ESCAPES', `/${path} is a hard link to no file of its package`);
  if (dropReason(target, first, origin.form) === undefined) return { ...common, kind: 'hardlink', target };
  return toTreeEntry(path, { ...first, path }, origin); // the other name stays out, so this one holds the bytes
}

function removeEmptied(tree: Map<string, Placed>, emptied: ReadonlySet<string>): void {
  const children = new Map<string, number>();
  for (const path of tree.keys()) count(children, posix.dirname(path), 1);
  const pending = [...emptied];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (tree.get(path)?.entry.kind !== 'directory' || (children.get(path) ?? 0) > 0) continue;
    tree.delete(path);
    const parent = posix.dirname(path);
    count(children, parent, -1);
    pending.push(parent);
  }
}

function count(children: Map<string, number>, path: string, by: number): void {
  children.set(path, (children.get(path) ?? 0) + by);
}

function conflict(path: string, first: string, second: string): BaseError {
  return new BaseError('BASE_FILE_CONFLICT', `${first} and ${second} both hold /${path}`, {
    hint: 'Take one of the two out of `packages` of the base in the definition.',
  });
}

/** Gives the folders that a tree's entries lie in and that are no entries yet, each once: root's, for all to read. */
export function missingParents(tree: ReadonlyMap<string, unknown>, epoch: Date): readonly TreeEntry[] {
  const missing = new Set<string>();
  for (const path of tree.keys()) {
    let parent = posix.dirname(path);
    for (; parent !== '.' && !tree.has(parent) && !missing.has(parent); parent = posix.dirname(parent))
      missing.add(parent);
  }
  return [...missing].map((path) => ({ path, kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: epoch }));
}
