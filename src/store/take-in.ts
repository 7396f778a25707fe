// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { digestOf } from '#core';
import { type Holding, storePackages } from './packages.ts';
import type { RecordedRelease, RecordedSubject, ScanRecord } from './record.ts';
import { inBatches, jsonParameter } from './rows.ts';
import type { Database } from './schema.ts';

/** Takes a scan into the store: its releases, its subjects with their packages, and that it was made. Doing it twice changes nothing. */
export async function takeIn(db: Database, record: ScanRecord): Promise<void> {
  for (const release of record.releases) await storeRelease(db, release);
  const holdings = await storePackages(db, record.subjects);
  const sboms = await storeSboms(db, holdings);
  const ids = await storeSubjects(db, record, sboms);
  await notePending(db, ids);
}

async function storeRelease(db: Database, { distribution, images }: RecordedRelease): Promise<void> {
  for (const { revision, channel, component, repository, index, tag, platforms } of images) {
    const release = revision.replace(/-r\d+$/, '');
    const line = release.split('.').slice(0, 2).join('.');
    const { id: revisionId } = await db
      .insertInto('revisions')
      .values({ distribution, line, release, revision })
      .onConflict((on) => on.columns(['distribution', 'revision']).doUpdateSet({ line, release }))
      .returning('id')
      .executeTakeFirstOrThrow();
    const { id: imageId } = await db
      .insertInto('images')
      .values({ revision_id: revisionId, channel, component, repository, digest: index, tag })
      .onConflict((on) =>
        on.columns(['revision_id', 'channel', 'component']).doUpdateSet({ repository, digest: index, tag }),
      )
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const { platform, digest } of platforms)
      await db
        .insertInto('manifests')
        .values({ image_id: imageId, platform, digest })
        .onConflict((on) => on.columns(['image_id', 'platform']).doUpdateSet({ digest }))
        .execute();
  }
}

interface StoredSbom {
  readonly id: number;
  readonly digest: string;
}

/** Gives the SBOM of each holding; those with the same packages are one. */
async function storeSboms(db: Database, holdings: readonly Holding[]): Promise<readonly StoredSbom[]> {
  const rows = holdings.map(({ digest, packageIds }) => ({ digest, package_ids: packageIds }));
  for (const batch of inBatches(rows, 500))
    await sql`insert into sboms (digest, package_ids)
      select distinct on (r.digest) r.digest, r.package_ids
      from jsonb_to_recordset(${jsonParameter(batch)}) as r (digest text, package_ids integer[])
      order by r.digest
      on conflict (digest) do nothing`.execute(db);
  const ids = new Map<string, number>();
  for (const batch of inBatches([...new Set(holdings.map(({ digest }) => digest))])) {
    const found = await db
      .selectFrom('sboms')
      .select(['id', 'digest'])
      .where(sql<boolean>`digest = any(${batch}::text[])`)
      .execute();
    for (const { id, digest } of found) ids.set(digest, id);
  }
  return holdings.map(({ digest }) => ({ digest, id: ids.get(digest) ?? lost(digest) }));
}

function lost(what: string): never {
  throw new Error(`${what} was stored, and is not there`);
}

async function storeSubjects(
  db: Database,
  record: ScanRecord,
  sboms: readonly StoredSbom[],
): Promise<readonly number[]> {
  const rows = record.subjects.map((subject, place) => {
    const sbom = sboms[place] ?? lost(subject.target);
    const { target, kind, basis, gaps, verdict, findings, platform = '', digest = null } = subject;
    const key = keyOf(subject, sbom.digest);
    return { key, target, kind, platform, digest, basis, sbom_id: sbom.id, gaps, verdict, findings };
  });
  const distinct = [...new Map(rows.map((row) => [row.key, row])).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const ids: number[] = [];
  for (const batch of inBatches(distinct)) {
    const found = await sql<{ id: number }>`with given as (
        select * from jsonb_to_recordset(${jsonParameter(batch)}) as r
          (key text, target text, kind text, platform text, digest text, basis text, sbom_id integer, gaps jsonb, verdict text, findings integer)
      ), stored as (
        insert into subjects (key, target, kind, platform, digest, basis, sbom_id, gaps, first_scanned, last_scanned)
        select key, target, kind, platform, digest, basis, sbom_id, gaps, ${record.scannedAt}::timestamptz, ${record.scannedAt}::timestamptz
        from given
        on conflict (key) do update set
          target = excluded.target, platform = excluded.platform, basis = excluded.basis,
          sbom_id = excluded.sbom_id, gaps = excluded.gaps,
          first_scanned = least(subjects.first_scanned, excluded.first_scanned),
          last_scanned = greatest(subjects.last_scanned, excluded.last_scanned)
        returning id, key
      ), noted as (
        insert into scans (subject_id, scanned_at, feeds, verdict, findings)
        select stored.id, ${record.scannedAt}::timestamptz, ${jsonParameter(record.feeds)}, given.verdict, given.findings
        from stored join given using (key)
        on conflict do nothing
      ) select id from stored`.execute(db);
    ids.push(...found.rows.map(({ id }) => id));
  }
  return ids;
}

/** A manifest is told by its digest; of what has none, the same packages under the same name are the same. */
function keyOf({ target, platform = '', digest }: RecordedSubject, sbomDigest: string): string {
  return digest ?? digestOf(JSON.stringify([sbomDigest, target, platform]));
}

/** What was never looked up on its platform waits for the next refresh. */
async function notePending(db: Database, subjectIds: readonly number[]): Promise<void> {
  for (const batch of inBatches(subjectIds, 1000))
    await sql`insert into matchings (package_id, platform)
      select distinct held.package_id, s.platform
      from subjects s join sboms b on b.id = s.sbom_id
      cross join lateral unnest(b.package_ids) as held (package_id)
      where s.id = any(${batch}::integer[])
      on conflict do nothing`.execute(db);
}
