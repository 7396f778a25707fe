// SPDX-License-Identifier: Apache-2.0
import type { Architecture } from '#core';
import { BaseError } from '../error.ts';

/** A repository of a base. */
export interface Repository {
  /** Relative to any mirror (`v3.22/main`), or a whole address. */
  readonly path: string;
  /** Only packages asked for with this tag, and what they need, come from it. */
  readonly tag?: string;
}

/** What apk calls the architectures. */
export const APK_ARCHITECTURES: Readonly<Record<Architecture, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

const LINE = /^(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,63})\s+)?(\S+)$/;
const NAME = /^[a-z0-9][a-z0-9._-]*$/;
const PATH = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)+$/;
const ADDRESS = /^(?:https?|file):\/\/[^\s?#]+$/;

/**
 * Takes a line as /etc/apk/repositories has it, the mirror's address left out: `main` (of the branch), `edge/testing` (of the mirror),
 * or a whole address, each with `@tag ` before it or not. Throws `BASE_REPOSITORY_INVALID`.
 */
export function parseRepository(line: string, branch: string): Repository {
  const [, tag, place = ''] = LINE.exec(line.trim()) ?? [];
  const path = NAME.test(place) ? `${branch}/${place}` : PATH.test(place) ? place : addressOf(place);
  if (path === undefined) {
    throw new BaseError('BASE_REPOSITORY_INVALID', `${JSON.stringify(line)} is no repository`, {
      hint: 'Write `main` (of the branch), `edge/testing` (of the mirror) or an https address, with `@tag ` before it where its packages are only to be taken by tag.',
    });
  }
  return { path, ...(tag === undefined ? {} : { tag }) };
}

function addressOf(place: string): string | undefined {
  return ADDRESS.test(place) ? place.replace(/\/+$/, '') : undefined;
}

/** Takes a path of the lock or a whole address, and the mirrors; gives the addresses to try, in order. */
export function addressesOf(path: string, mirrors: readonly string[]): readonly string[] {
  return ADDRESS.test(path) ? [path] : mirrors.map((mirror) => `${mirror.replace(/\/+$/, '')}/${path}`);
}

/** Gives the branch that a path on a mirror is of; undefined for a whole address. */
export function branchOf(path: string): string | undefined {
  return ADDRESS.test(path) ? undefined : path.split('/', 1)[0];
}
