// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import type { Database } from './schema.ts';
import type { StoreStatus } from './types.ts';

interface Overview {
  readonly engine: string;
  readonly schema: string;
  readonly bytes: number;
  readonly pending: number;
}

/** Says what the store holds. */
export async function readStatus(db: Database, where: string, taken: number): Promise<StoreStatus> {
  const counts = await sql<StoreStatus['counts']>`select
    (select count(*)::int from revisions) as revisions,
    (select count(*)::int from images) as images,
    (select count(*)::int from subjects) as subjects,
    (select count(*)::int from sboms) as sboms,
    (select count(*)::int from packages) as packages,
    (select count(*)::int from scans) as scans,
    (select count(*)::int from flaws where gone_at is null) as flaws`.execute(db);
  const overview = await sql<Overview>`select
    split_part(version(), ' on ', 1) as engine,
    (select max(name) from kysely_migration) as schema,
    pg_database_size(current_database())::double precision as bytes,
    (select count(*)::int from matchings where matched_at is null) as pending`.execute(db);
  const feeds = await db.selectFrom('feeds').selectAll().orderBy('name').execute();
  const [found] = counts.rows;
  const [about] = overview.rows;
  if (found === undefined || about === undefined) throw new Error('the store answers nothing');
  return {
    where,
    ...about,
    counts: found,
    feeds: feeds.map(({ name, digest, fetched_at }) => ({ name, digest, fetchedAt: fetched_at })),
    taken,
  };
}
