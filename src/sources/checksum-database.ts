// SPDX-License-Identifier: Apache-2.0
import { type NoteKey, noteKeyOf, parseNoteKey } from '#formats';
import { SourcesError } from './error.ts';

/** A checksum database: the key it signs with and, where it is not reached through the proxies, its URL. */
export interface ChecksumDatabase {
  readonly key: NoteKey;
  readonly url?: string;
}

/**
 * The public Go checksum database's key as the Go toolchain pins it. A key's hash covers the database's name as well,
 * so the pair also pins the name without writing it down.
 */
const PUBLIC_KEY = { hash: '033de0ae', encoded: 'Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8' } as const;

/**
 * Reads a setting in GOSUMDB's syntax (https://go.dev/ref/mod#environment-variables): a name, or `name+hash+key`, each
 * with an optional URL after a space. A bare name must be the one whose key is pinned. Throws `DATABASE_SETTING_INVALID`;
 * `off` is refused, since exemptions are named one by one.
 */
export function parseChecksumDatabase(text: string): ChecksumDatabase {
  const [name = '', url, ...rest] = text.trim().split(/\s+/);
  if (name === 'off') {
    throw invalid(
      'the checksum database cannot be switched off',
      'Name each module it does not know under `exemptions` in the definition.',
    );
  }
  if (rest.length > 0) throw invalid(`${JSON.stringify(text)} is not a checksum database`);
  const key = name.includes('+') ? parseNoteKey(name) : pinnedKey(name);
  if (url === undefined) return { key: key ?? unknownKey(name) };
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw invalid(`${JSON.stringify(url)} is not the URL of a checksum database`);
  }
  return { key: key ?? unknownKey(name), url: url.replace(/\/+$/, '') };
}

/**
 * Gives the database's key as one text, `hash+key`: what proofs, locks and cache keys name it by. The hash covers the
 * database's name, which itself is configuration of a machine and stays out of what is committed.
 */
export function describeKey(key: NoteKey): string {
  return `${key.hash}+${key.encoded}`;
}

function pinnedKey(name: string): NoteKey | undefined {
  const key = noteKeyOf(name, PUBLIC_KEY.encoded);
  return key?.hash === PUBLIC_KEY.hash ? key : undefined;
}

function unknownKey(name: string): never {
  throw invalid(
    name.includes('+')
      ? `the key of the checksum database ${JSON.stringify(name.split('+', 1)[0])} is malformed, or its hash does not fit it`
      : `no key is known for a checksum database called ${JSON.stringify(name)}`,
  );
}

function invalid(message: string, hint?: string): SourcesError {
  return new SourcesError('DATABASE_SETTING_INVALID', message, {
    hint:
      hint ??
      'Write it as GOSUMDB is written: the public database by its name alone, another as `name+hash+key`, each with an optional URL.',
  });
}
