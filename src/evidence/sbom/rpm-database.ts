// SPDX-License-Identifier: Apache-2.0
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, OakumError } from '#core';
import { parseRpmHeader, type RpmPackage } from '#formats';
import { EvidenceError } from '../error.ts';

/** Where rpm keeps its list: below `usr/lib/sysimage` since Fedora 36. */
const DATABASE = /^(?:var\/lib|usr\/lib\/sysimage)\/rpm\/(?:rpmdb\.sqlite|Packages(?:\.db)?)$/;

/** The table of packages as rpm makes it (rpm's lib/backend/sqlite.cc): anything else could compute rather than hold. */
const TABLE =
  /^CREATE TABLE ['"]?Packages['"]?\s*\(\s*hnum INTEGER PRIMARY KEY AUTOINCREMENT,\s*blob BLOB NOT NULL\s*\)$/i;

const MAX_BYTES = 512 << 20;
const MAX_PACKAGES = 20_000;

/** Says whether a file is a database of rpm, of any kind. */
export function isRpmDatabase(path: string): boolean {
  return DATABASE.test(path);
}

/** Says whether a database of rpm is of the kind that is read: SQLite, rpm's own since 4.16. Berkeley DB and ndb are not. */
export function isReadable(path: string): boolean {
  return path.endsWith('.sqlite');
}

/**
 * Takes a database of rpm and a new path on disk, where it is kept while it is read; gives its packages. Throws
 * `SBOM_CONTENT_INVALID` for what rpm would not have made.
 */
export async function readRpmDatabase(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  spool: string,
): Promise<readonly RpmPackage[]> {
  try {
    await pipeline(Readable.from(limited(bytes)), createWriteStream(spool, { mode: 0o600 }));
    return await readTable(spool, path);
  } catch (error) {
    if (error instanceof OakumError) throw error;
    throw new EvidenceError('SBOM_CONTENT_INVALID', `rpm's database can't be read: ${messageOf(error)}`, {
      where: path,
      cause: error,
    });
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(`${spool}${suffix}`, { force: true });
  }
}

async function* limited(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    yield chunk;
  }
}

/** A row for each package, its header as a blob. */
async function readTable(file: string, where: string): Promise<readonly RpmPackage[]> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA trusted_schema = OFF');
    const [table] = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'Packages'").all();
    const sql = table?.['sql'];
    if (typeof sql !== 'string' || !TABLE.test(sql)) throw new Error('it has no table of packages as rpm makes it');
    const packages: RpmPackage[] = [];
    let rows = 0;
    for (const row of database.prepare('SELECT blob FROM Packages ORDER BY hnum').iterate()) {
      rows += 1;
      if (rows > MAX_PACKAGES) throw new Error(`it has more than ${MAX_PACKAGES} packages`);
      const header = row['blob'];
      if (!(header instanceof Uint8Array)) throw new Error('a package has no header');
      const found = parseRpmHeader(header, where);
      if (found !== undefined) packages.push(found);
    }
    return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    database.close();
  }
}
