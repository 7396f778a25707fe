// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { messageOf } from '#core';
import { SCHEMA } from './connect.ts';
import { StoreError } from './error.ts';
import type { Database } from './schema.ts';

/**
 * Brings a database to the newest schema. All missing migrations are one transaction under a lock of the database, so that a
 * process that is killed leaves the old schema, and of two at once the second finds the work done.
 * Throws `STORE_NEWER` where the database has a migration that is not known here, and `STORE_DAMAGED`.
 */
export async function migrate(
  db: Database,
  migrations: Readonly<Record<string, Migration>>,
  where: string,
): Promise<void> {
  const applied = await appliedMigrations(db);
  const unknown = applied.find((name) => !Object.hasOwn(migrations, name));
  if (unknown !== undefined) {
    throw new StoreError('STORE_NEWER', `the store was made by a newer Oakum: it has the change "${unknown}"`, {
      where,
      hint: 'Use that Oakum, or another store (OAKUM_STORE_URL, OAKUM_DATA).',
    });
  }
  if (applied.length === Object.keys(migrations).length) return;
  const migrator = new Migrator({
    db,
    migrationTableSchema: SCHEMA,
    provider: { getMigrations: async () => ({ ...migrations }) },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw new StoreError('STORE_DAMAGED', `the store's tables could not be made or changed: ${messageOf(error)}`, {
      where,
      hint: 'Nothing was changed. The user needs the right to create a schema; a store of another program needs a database of its own.',
      cause: error,
    });
  }
}

/** The names of what was applied, without making any table. */
async function appliedMigrations(db: Database): Promise<readonly string[]> {
  const found = await sql<{
    there: string | null;
  }>`select to_regclass(${`${SCHEMA}.kysely_migration`})::text as there`.execute(db);
  if (found.rows[0]?.there == null) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}
