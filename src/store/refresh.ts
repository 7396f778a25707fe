// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import type { Digest } from '#core';
import { feedGaps, type FeedName, type FeedReading, type Feeds } from '#vulnerabilities';
import { lookUp } from './look-up.ts';
import { type FlawDifference, type Pair, storeFlaws } from './flaws.ts';
import { inBatches, jsonParameter } from './rows.ts';
import type { Database } from './schema.ts';
import type { FlawChange, Refresh } from './types.ts';

/** Feeds that findings come from; the others (KEV, EPSS, SSVC) are asked whenever a finding is shown. */
const ADVISORY_FEEDS: readonly FeedName[] = ['go', 'osv', 'debian', 'alpine'];

/** Pairs that are matched at a time. */
const AT_ONCE = 10_000;

/** A feed as it is held on this machine. */
type HeldFeed = FeedReading & { readonly digest: Digest; readonly fetchedAt: Date };

/** The packages whose advisories changed, or `all` where that can't be said. */
type Changes = 'all' | ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Brings the store up to date with the feeds: matches the packages that are new, and those that a changed advisory names. A package
 * is matched once, however many SBOMs hold it.
 */
export async function refresh(db: Database, feeds: Feeds, now: Date): Promise<Refresh> {
  const status = await feeds.status();
  const held = status.filter(isHeldAdvisories);
  const known = await db.selectFrom('feeds').selectAll().execute();
  const isOlder = held.some(({ name, digest, fetchedAt }) =>
    known.some((one) => one.name === name && one.digest !== digest && one.fetched_at > fetchedAt),
  );
  const { count: sboms } = await db
    .selectFrom('sboms')
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow();
  const gaps = (await ecosystemsOf(db)).flatMap((ecosystem) => feedGaps(ecosystem, status));
  if (isOlder) return { kind: 'older', changedPackages: 0, sboms, affectedSboms: 0, matched: 0, changes: [], gaps };
  const changes = await changesSince(feeds, held, known);
  const packageIds = changes === 'all' ? undefined : await packagesNamed(db, changes);
  const pairs = await pairsToMatch(db, packageIds);
  const differences: FlawDifference[] = [];
  for (const batch of inBatches(pairs, AT_ONCE))
    differences.push(...(await storeFlaws(db, await lookUp(db, batch, feeds), now)));
  await storeFeeds(db, held);
  return {
    kind: pairs.length === 0 ? 'current' : 'refreshed',
    changedPackages: changes === 'all' ? 'all' : [...changes.values()].reduce((sum, names) => sum + names.size, 0),
    sboms,
    affectedSboms: packageIds === undefined ? sboms : await sbomsWith(db, packageIds),
    matched: pairs.length,
    changes: await withSubjects(db, differences),
    gaps,
  };
}

async function ecosystemsOf(db: Database): Promise<readonly string[]> {
  const found = await db.selectFrom('packages').select('ecosystem').distinct().orderBy('ecosystem').execute();
  return found.map(({ ecosystem }) => ecosystem);
}

function isHeldAdvisories(feed: FeedReading): feed is HeldFeed {
  return ADVISORY_FEEDS.includes(feed.name) && feed.digest !== undefined && feed.fetchedAt !== undefined;
}

interface KnownFeed {
  readonly name: FeedName;
  readonly digest: string;
}

async function changesSince(feeds: Feeds, held: readonly HeldFeed[], known: readonly KnownFeed[]): Promise<Changes> {
  const merged = new Map<string, Set<string>>();
  for (const { name, digest } of held) {
    const before = known.find((one) => one.name === name);
    if (before?.digest === digest) continue;
    const changes = before === undefined ? undefined : await feeds.changedSince(name, before.digest as Digest);
    if (changes === undefined) return 'all';
    for (const [ecosystem, names] of changes)
      merged.set(ecosystem, new Set([...(merged.get(ecosystem) ?? []), ...names]));
  }
  return merged;
}

async function packagesNamed(db: Database, changes: Exclude<Changes, 'all'>): Promise<readonly number[]> {
  const names = [...changes].flatMap(([ecosystem, own]) => [...own].map((name) => ({ ecosystem, name })));
  const ids: number[] = [];
  for (const batch of inBatches(names)) {
    const found = await sql<{ id: number }>`select p.id
      from jsonb_to_recordset(${jsonParameter(batch)}) as r (ecosystem text, name text)
      join packages p using (ecosystem, name)`.execute(db);
    ids.push(...found.rows.map(({ id }) => id));
  }
  return ids;
}

/** What was never matched, and what must be again: everything where `packageIds` is undefined. */
async function pairsToMatch(db: Database, packageIds: readonly number[] | undefined): Promise<readonly Pair[]> {
  const again = packageIds === undefined ? sql`true` : sql`package_id = any(${packageIds}::integer[])`;
  const found = await sql<{ package_id: number; platform: string }>`select package_id, platform from matchings
    where matched_at is null or ${again} order by package_id, platform`.execute(db);
  return found.rows.map(({ package_id, platform }) => ({ packageId: package_id, platform }));
}

async function sbomsWith(db: Database, packageIds: readonly number[]): Promise<number> {
  if (packageIds.length === 0) return 0;
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from sboms
    where package_ids && ${packageIds}::integer[]`.execute(db);
  return rows[0]?.count ?? 0;
}

async function storeFeeds(db: Database, held: readonly HeldFeed[]): Promise<void> {
  for (const { name, digest, fetchedAt } of held)
    await db
      .insertInto('feeds')
      .values({ name, digest, fetched_at: fetchedAt })
      .onConflict((on) => on.column('name').doUpdateSet({ digest, fetched_at: fetchedAt }))
      .execute();
}

/** Adds how many subjects hold the package of each difference. */
async function withSubjects(db: Database, differences: readonly FlawDifference[]): Promise<readonly FlawChange[]> {
  const ids = [...new Set(differences.map(({ pair }) => pair.packageId))];
  if (ids.length === 0) return [];
  const { rows } = await sql<{ package_id: number; platform: string; count: number }>`
    select held.package_id, s.platform, count(*)::int as count
    from sboms b join subjects s on s.sbom_id = b.id
    cross join lateral unnest(b.package_ids) as held (package_id)
    where b.package_ids && ${ids}::integer[] and held.package_id = any(${ids}::integer[])
    group by held.package_id, s.platform`.execute(db);
  const counts = new Map(rows.map(({ package_id, platform, count }) => [`${package_id} ${platform}`, count]));
  return differences.map(({ pair, ...change }) => ({
    ...change,
    platform: pair.platform,
    subjects: counts.get(`${pair.packageId} ${pair.platform}`) ?? 0,
  }));
}
