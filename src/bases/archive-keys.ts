// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#core';
import { BaseError } from './error.ts';

/** The two parts of the Debian archive; each is signed by keys of its own. */
export type Archive = 'main' | 'security';

/** A pinned key: the fingerprint of its primary key, and what it may sign. */
export interface ArchiveKey {
  readonly fingerprint: string;
  readonly purpose: string;
  readonly archive: Archive;
  /** The suites it may sign; any of its archive where left out. */
  readonly suites?: readonly string[];
}

/** Public keys (ASCII-armored, one block or more) and the pins that make them count; a key without a pin counts for nothing. */
export interface Keyring {
  readonly armored: string;
  readonly keys: readonly ArchiveKey[];
}

/**
 * The keys of Debian's archive that Oakum trusts: those made for Debian 13, which sign later suites as well until
 * their successors take over. keys/README.md tells how to renew them.
 */
export const DEBIAN_ARCHIVE_KEYS: readonly ArchiveKey[] = [
  {
    fingerprint: '04B54C3CDCA79751B16BC6B5225629DF75B188BD',
    purpose: 'Debian Archive Automatic Signing Key (13/trixie)',
    archive: 'main',
  },
  {
    fingerprint: '41587F7DB8C774BCCF131416762F67A0B2C39DE4',
    purpose: 'Debian Stable Release Key (13/trixie)',
    archive: 'main',
    suites: ['trixie'],
  },
  {
    fingerprint: '5E04A1E3223A19A20706E20F9904613D4CCE68C6',
    purpose: 'Debian Security Archive Automatic Signing Key (13/trixie)',
    archive: 'security',
  },
];

/** Reads a file of keys that ships with Oakum (`keys/`, beside `src` and `dist` alike). */
export async function readShippedKeys(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, '../../keys', name), 'utf8');
}

/** Reads Debian's keyring that ships with Oakum. */
export async function readDebianKeyring(): Promise<Keyring> {
  return { armored: await readShippedKeys('debian-archive-keyring.asc'), keys: DEBIAN_ARCHIVE_KEYS };
}

/**
 * Reads a keyring of somebody's own archive: each key in the file counts, for both parts of the archive, since who wrote
 * the file chose them. Throws `BASE_KEYRING_INVALID`.
 */
export async function readKeyring(file: string): Promise<Keyring> {
  const { readKeys } = await import('openpgp');
  try {
    const armored = await readFile(file, 'utf8');
    const keys = (await Promise.all(keyBlocks(armored).map((armoredKeys) => readKeys({ armoredKeys })))).flat();
    if (keys.length === 0) throw new Error('it holds no armored public key');
    const pins = keys.flatMap((key) =>
      (['main', 'security'] as const).map((archive) => ({
        fingerprint: key.getFingerprint().toUpperCase(),
        purpose: 'named by the definition',
        archive,
      })),
    );
    return { armored, keys: pins };
  } catch (error) {
    throw new BaseError('BASE_KEYRING_INVALID', `the keyring can't be used: ${messageOf(error)}`, {
      where: file,
      hint: 'Export the archive keys with `gpg --export --armor`.',
    });
  }
}

/** Gives the armored blocks of a text; openpgp's readKeys reads the first of several only. */
export function keyBlocks(armored: string): readonly string[] {
  return armored.match(/-----BEGIN PGP PUBLIC KEY BLOCK-----[^]*?-----END PGP PUBLIC KEY BLOCK-----/g) ?? [];
}

/** Takes a suite's name; gives the part of the archive that holds it. */
export function archiveOf(suite: string): Archive {
  return suite.endsWith('-security') ? 'security' : 'main';
}
