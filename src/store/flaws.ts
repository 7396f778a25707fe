// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import { digestOf } from '#core';
import { canonicalJson, type Json } from '#formats';
import type { Finding } from '#vulnerabilities';
import type { LookedUp } from './look-up.ts';
import { inBatches, jsonParameter, storable } from './rows.ts';
import type { Database, StoredFinding } from './schema.ts';
import type { FlawChange } from './types.ts';

/** A package on one platform, since some advisories are of some systems only. */
export interface Pair {
  readonly packageId: number;
  readonly platform: string;
}

/** What differs from what was known of a pair. */
export type FlawDifference = Omit<FlawChange, 'subjects' | 'platform'> & { readonly pair: Pair };

interface KnownFlaw {
  readonly id: number;
  readonly package_id: number;
  readonly platform: string;
  readonly names: readonly string[];
  readonly digest: string;
  readonly isGone: boolean;
  readonly body: Pick<StoredFinding, 'package'>;
}

/** A flaw as it is to be stored; `id` where it is known already. */
interface FlawRow {
  readonly id: number | undefined;
  readonly pair: Pair;
  readonly body: StoredFinding;
  readonly digest: string;
}

/**
 * Stores what matching gave. A flaw goes on under any of its names, so that what gains a CVE, or another main name, keeps the time
 * it was first seen. What is no longer found is kept and marked as gone.
 */
export async function storeFlaws(
  db: Database,
  lookedUp: readonly LookedUp[],
  now: Date,
): Promise<readonly FlawDifference[]> {
  const known = await knownFlaws(db, lookedUp);
  const differences: FlawDifference[] = [];
  const rows: FlawRow[] = [];
  const gone: number[] = [];
  for (const { pair, findings } of lookedUp) {
    const before = [...(known.get(keyOf(pair)) ?? [])];
    for (const finding of findings) {
      const row = toRow(pair, finding);
      const place = before.findIndex(({ names }) => names.some((name) => finding.ids.includes(name)));
      const [same] = place === -1 ? [] : before.splice(place, 1);
      if (same !== undefined && !same.isGone && same.digest === row.digest) continue;
      rows.push({ ...row, id: same?.id });
      const kind = same === undefined || same.isGone ? 'new' : 'changed';
      differences.push({ kind, pair, name: finding.id, ids: finding.ids, package: finding.package });
    }
    for (const { id, names, body, isGone } of before) {
      if (isGone) continue;
      gone.push(id);
      differences.push({ kind: 'gone', pair, name: names[0] ?? '', ids: names, package: body.package });
    }
  }
  await write(db, rows, now);
  for (const batch of inBatches(gone))
    await sql`update flaws set gone_at = ${now} where id = any(${batch}::integer[])`.execute(db);
  await noteMatched(db, lookedUp, now);
  return differences;
}

function keyOf({ packageId, platform }: Pair): string {
  return `${packageId} ${platform}`;
}

async function knownFlaws(
  db: Database,
  lookedUp: readonly LookedUp[],
): Promise<ReadonlyMap<string, readonly KnownFlaw[]>> {
  const ids = [...new Set(lookedUp.map(({ pair }) => pair.packageId))];
  const { rows } = await sql<KnownFlaw>`select id, package_id, platform, names, digest, gone_at is not null as "isGone",
      jsonb_build_object('package', body -> 'package') as body
    from flaws where package_id = any(${ids}::integer[]) order by gone_at nulls first, id`.execute(db);
  return Map.groupBy(rows, ({ package_id, platform }) => keyOf({ packageId: package_id, platform }));
}

function toRow(pair: Pair, finding: Finding): Omit<FlawRow, 'id'> {
  const { kev: _kev, epss: _epss, reachability: _reachability, ...rest } = finding;
  const body = storable(JSON.parse(JSON.stringify(rest)) as StoredFinding); // without what is undefined
  return { pair, body, digest: digestOf(canonicalJson(body as unknown as Json)) };
}

async function write(db: Database, flaws: readonly FlawRow[], now: Date): Promise<void> {
  const rows = flaws.map(({ id, pair, body, digest }) => ({
    id,
    package_id: pair.packageId,
    platform: pair.platform,
    name: body.id,
    names: body.ids,
    rating: body.severity.rating,
    score: body.severity.score,
    fix: body.fix,
    body,
    digest,
  }));
  const shape = sql`(id integer, package_id integer, platform text, name text, names text[], rating text, score double precision, fix text, body jsonb, digest text)`;
  for (const batch of inBatches(
    rows.filter(({ id }) => id === undefined),
    1000,
  ))
    await sql`insert into flaws (package_id, platform, name, names, rating, score, fix, body, digest, first_seen, changed_at)
      select package_id, platform, name, names, rating, score, fix, body, digest, ${now}, ${now}
      from jsonb_to_recordset(${jsonParameter(batch)}) as r ${shape}`.execute(db);
  for (const batch of inBatches(
    rows.filter(({ id }) => id !== undefined),
    1000,
  ))
    await sql`update flaws set name = r.name, names = r.names, rating = r.rating, score = r.score, fix = r.fix,
        body = r.body, digest = r.digest, changed_at = ${now}, gone_at = null
      from jsonb_to_recordset(${jsonParameter(batch)}) as r ${shape}
      where flaws.id = r.id`.execute(db);
}

async function noteMatched(db: Database, lookedUp: readonly LookedUp[], now: Date): Promise<void> {
  const rows = lookedUp.map(({ pair, gaps, setAside }) => ({ ...pair, gaps, set_aside: setAside }));
  for (const batch of inBatches(rows))
    await sql`update matchings m set matched_at = ${now}, gaps = r.gaps, set_aside = r.set_aside
      from jsonb_to_recordset(${jsonParameter(batch)}) as r ("packageId" integer, platform text, gaps jsonb, set_aside jsonb)
      where m.package_id = r."packageId" and m.platform = r.platform`.execute(db);
}
