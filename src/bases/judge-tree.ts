// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import type { TreeEntry } from '#core';
import { BaseError, escapes } from './error.ts';
import type { RootForm } from './types.ts';

/** What must never be in a root, by its last name: shells, interpreters and package managers, wherever they hide. */
const UNWANTED =
  /^(?:(?:ba|da|k|z|c|tc|a|fi)?sh|busybox|perl[0-9.]*|python[0-9.]*|env|apt(?:-[a-z]+)?|dpkg(?:-[a-z]+)?|apk|rpm|sudo|su)$/;

/**
 * Takes sorted entries; gives them back when the tree holds together and is as bare as promised. Throws
 * `BASE_LINK_ESCAPES` for a link that is absolute or climbs out of the root and for an entry below a link or a file,
 * `BASE_ROOT_UNCLEAN` for a setuid or setgid file, and, unless programs are wanted, for a shell, an interpreter or a package manager.
 * The rules should leave none of these: this is the second pair of eyes.
 */
export function judgeTree(entries: readonly TreeEntry[], { programs = false }: RootForm): readonly TreeEntry[] {
  const kinds = new Map(entries.map(({ path, kind }) => [path, kind]));
  for (const entry of entries) {
    for (let parent = posix.dirname(entry.path); parent !== '.'; parent = posix.dirname(parent)) {
      if (kinds.get(parent) !== 'directory') throw escapes(entry.path, `lies below /${parent}, which is no folder`);
    }
    if (entry.kind === 'symlink') judgeLink(entry.path, entry.target);
    if (entry.kind === 'hardlink' && kinds.get(entry.target) !== 'file')
      throw escapes(entry.path, 'is a link to no file');
    if (entry.kind === 'directory') continue;
    if ((entry.mode & 0o6000) !== 0 && entry.kind === 'file')
      throw unclean(entry.path, 'runs with the rights of its owner');
    if (programs) continue;
    if (
      isProgramPlace(entry.path) ||
      (UNWANTED.test(posix.basename(entry.path)) && (entry.mode & 0o111) !== 0 && entry.kind === 'file')
    ) {
      throw unclean(entry.path, 'is a program');
    }
  }
  return entries;
}

/**
 * A link may climb at its start only, and no higher than the root: a `..` after a name could mean another folder than
 * the text shows, when that name is itself a link. What lies on the way down is judged on its own.
 */
function judgeLink(path: string, target: string): void {
  if (target.startsWith('/')) throw escapes(path, `is an absolute link to ${target}`);
  const segments = target.split('/').filter((segment) => segment !== '' && segment !== '.');
  const climbs = segments.findIndex((segment) => segment !== '..');
  const down = climbs === -1 ? [] : segments.slice(climbs);
  const depth = path.split('/').length - 1;
  if (down.includes('..') || segments.length - down.length > depth) {
    throw escapes(path, `is a link out of the root, to ${target}`);
  }
}

function isProgramPlace(path: string): boolean {
  return /^(?:usr\/(?:local\/)?)?s?bin\//.test(path);
}

function unclean(path: string, what: string): BaseError {
  return new BaseError('BASE_ROOT_UNCLEAN', `/${path} ${what}, which a base must not hold`, {
    hint: 'Take its package out of `packages` of the base in the definition.',
  });
}
