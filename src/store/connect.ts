// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { messageOf, temporaryName } from '#core';
import { StoreError } from './error.ts';
import type { Database } from './schema.ts';

/** The schema that holds all of Oakum's tables, beside those of other programs. */
export const SCHEMA = 'oakum';

/** The release of PostgreSQL that PGlite is; its files are of that release alone. */
const EMBEDDED_RELEASE = '18';
const LEAST_SERVER = 14;
const CONNECT_MILLISECONDS = 10_000;

/** Opens the database in a folder, and makes it where there is none: beside, then renamed, so that none is ever half made. */
export async function connectFolder(folder: string): Promise<Database> {
  const release = await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (release !== undefined && release.trim() !== EMBEDDED_RELEASE) {
    throw new StoreError(
      'STORE_UNSUPPORTED',
      `the store's files are of PostgreSQL ${release.trim().slice(0, 20)}, not ${EMBEDDED_RELEASE}`,
      {
        where: folder,
        hint: 'Remove this folder, then make the store anew: `oakum store rebuild TARGET...`.',
      },
    );
  }
  try {
    if (release === undefined) {
      await removeUnfinished(folder);
      const fresh = temporaryName(folder);
      await (await PGlite.create(fresh)).close();
      await rename(fresh, folder);
    }
    const pglite = await PGlite.create(folder);
    await pglite.exec(`set search_path to ${SCHEMA}`);
    return new Kysely({ dialect: new PGliteDialect({ pglite }) });
  } catch (error) {
    throw new StoreError('STORE_DAMAGED', `the store can't be opened: ${messageOf(error)}`, {
      where: folder,
      hint: 'Remove this folder, then make the store anew: `oakum store rebuild TARGET...`.',
      cause: error,
    });
  }
}

/** What a process that was killed while it made a database has left. */
async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(dirname(folder));
  const unfinished = names.filter((name) => name.startsWith(`${basename(folder)}.tmp-`));
  for (const name of unfinished) await rm(join(dirname(folder), name), { recursive: true });
}

/** Gives a server's address without user, password and parameters. Throws `STORE_URL_INVALID`. */
export function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'postgres:' || parsed?.protocol === 'postgresql:')
    return `postgres://${parsed.host || (parsed.searchParams.get('host') ?? '')}${parsed.pathname}`;
  throw new StoreError('STORE_URL_INVALID', "the store's address is no URL of PostgreSQL", {
    hint: 'OAKUM_STORE_URL is like postgres://USER:PASSWORD@HOST:5432/DATABASE.',
  });
}

/** Connects to a server. Throws `STORE_URL_INVALID`, `STORE_UNREACHABLE`, `STORE_REFUSED` and `STORE_UNSUPPORTED`. */
export async function connectServer(url: string): Promise<Database> {
  const where = addressOf(url);
  const pool = new Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: CONNECT_MILLISECONDS,
    application_name: 'oakum',
    options: `-c search_path=${SCHEMA}`,
  });
  pool.on('error', () => undefined); // a connection that breaks while idle shows at the next query
  const db: Database = new Kysely({ dialect: new PostgresDialect({ pool }) });
  try {
    const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`.execute(
      db,
    );
    const release = Math.floor(Number(rows[0]?.version) / 10_000);
    if (release >= LEAST_SERVER) return db;
    throw new StoreError(
      'STORE_UNSUPPORTED',
      `the server is PostgreSQL ${release}; ${LEAST_SERVER} or newer is needed`,
      { where },
    );
  } catch (error) {
    await db.destroy();
    throw error instanceof StoreError ? error : connectError(error, where);
  }
}

/** Classes 28 (authorization), 3D (no such database) and 42 (no right) are answers of a server (PostgreSQL, appendix A). */
function connectError(error: unknown, where: string): StoreError {
  const { code } = error as { readonly code?: unknown };
  const isAnswer = typeof code === 'string' && /^(?:28|3D|42|53)[0-9A-Z]{3}$/.test(code);
  return isAnswer
    ? new StoreError('STORE_REFUSED', `the store's server refuses: ${messageOf(error)}`, {
        where,
        hint: 'Check user, password and database in OAKUM_STORE_URL.',
        cause: error,
      })
    : new StoreError('STORE_UNREACHABLE', `the store's server can't be reached: ${messageOf(error) || String(code)}`, {
        where,
        hint: 'Check that it runs, and the address in OAKUM_STORE_URL; without that variable the store is in the data folder.',
        cause: error,
      });
}
