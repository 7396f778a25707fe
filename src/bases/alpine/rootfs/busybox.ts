// SPDX-License-Identifier: Apache-2.0
import { BaseError } from '../../error.ts';

/** Where programs that are many in one say under which names they want to be found: a file for each, a path a line. */
const LISTS = /^etc\/busybox-paths\.d\/([a-z0-9-]+)$/;

/** A link that a trigger would make. */
export interface AppletLink {
  readonly path: string;
  readonly target: string;
}

/** Says whether a file lists the names of a program that is many in one, busybox or busybox-extras. */
export function isAppletList(path: string): boolean {
  return LISTS.test(path);
}

/**
 * Takes such a list by its path; gives the links that `busybox --install -s`, the package's trigger, makes from it: absolute ones, to
 * the program. Throws `BASE_LINK_ESCAPES` for a path that leads out.
 */
export function appletLinks(list: string, text: string): readonly AppletLink[] {
  const target = `bin/${LISTS.exec(list)?.[1] ?? ''}`;
  const paths = text.split('\n').map((line) => line.trim().replace(/^\/+/, ''));
  return [...new Set(paths)].flatMap((path) => {
    if (path === '' || path === target) return [];
    const isPlain = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
    if (isPlain && /^[\x21-\x7e]+$/.test(path)) return [{ path, target: `/${target}` }];
    throw new BaseError('BASE_LINK_ESCAPES', `/${list} wants a link at ${JSON.stringify(path.slice(0, 120))}`);
  });
}
