// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { emptyInbox } from './inbox.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import { readImages } from './read-images.ts';
import { readReports } from './read-reports.ts';
import { refresh } from './refresh.ts';
import type { Database } from './schema.ts';
import { readStatus } from './status.ts';
import { takeIn } from './take-in.ts';
import type { Store, StoreOptions } from './types.ts';

/** Every table, those that others refer to last. */
const TABLES = 'flaws, matchings, feeds, scans, subjects, sboms, packages, manifests, images, revisions';

/** Runs something with an open database, and closes it. */
export async function useDatabase<T>(
  db: Database,
  options: StoreOptions & { readonly where: string },
  run: (store: Store) => Promise<T>,
): Promise<T> {
  try {
    await migrate(db, MIGRATIONS, options.where);
    const taken = await emptyInbox(options.dataFolder, options.report, (record) =>
      whileWriting(db, (transaction) => takeIn(transaction, record)),
    );
    return await run(storeOf(db, options.where, taken));
  } finally {
    await db.destroy();
  }
}

function storeOf(db: Database, where: string, taken: number): Store {
  return {
    status: () => readStatus(db, where, taken),
    refresh: (feeds, now) => whileWriting(db, (transaction) => refresh(transaction, feeds, now)),
    reports: (feeds, filter = {}) => readReports(db, feeds, filter),
    images: async (filter = {}) => (await readImages(db, filter)).map(({ image }) => image),
    rebuild: (records, feeds, now) =>
      whileWriting(db, async (transaction) => {
        await sql.raw(`truncate ${TABLES} restart identity`).execute(transaction);
        for (const record of records) await takeIn(transaction, record);
        return refresh(transaction, feeds, now);
      }),
  };
}

/** One writer at a time: all that follow see what it left, whole or not at all. */
function whileWriting<T>(db: Database, run: (transaction: Database) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(hashtext('oakum store'))`.execute(transaction);
    return run(transaction);
  });
}
