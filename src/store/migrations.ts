// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const TABLES = [
  `create table revisions (
    id integer generated always as identity primary key,
    distribution text not null,
    line text not null,
    release text not null,
    revision text not null,
    unique (distribution, revision)
  )`,
  `create table images (
    id integer generated always as identity primary key,
    revision_id integer not null references revisions on delete cascade,
    channel text not null,
    component text not null,
    repository text not null,
    digest text not null,
    tag text not null,
    unique (revision_id, channel, component)
  )`,
  `create table manifests (
    image_id integer not null references images on delete cascade,
    platform text not null,
    digest text not null,
    primary key (image_id, platform)
  )`,
  'create index manifests_digest on manifests (digest)',
  `create table packages (
    id integer generated always as identity primary key,
    digest text not null unique,
    scope text not null check (scope in ('image', 'build')),
    ecosystem text not null,
    name text not null,
    version text,
    occurrences jsonb not null
  )`,
  'create index packages_name on packages (ecosystem, name)',
  `create table sboms (
    id integer generated always as identity primary key,
    digest text not null unique,
    package_ids integer[] not null
  )`,
  `create table subjects (
    id integer generated always as identity primary key,
    key text not null unique,
    target text not null,
    kind text not null,
    platform text not null,
    digest text,
    basis text not null,
    sbom_id integer not null references sboms,
    gaps jsonb not null,
    first_scanned timestamptz not null,
    last_scanned timestamptz not null
  )`,
  'create index subjects_sbom on subjects (sbom_id)',
  `create table scans (
    subject_id integer not null references subjects on delete cascade,
    scanned_at timestamptz not null,
    feeds jsonb not null,
    verdict text not null check (verdict in ('clean', 'findings', 'unchecked')),
    findings integer not null,
    primary key (subject_id, scanned_at)
  )`,
  `create table feeds (
    name text primary key,
    digest text not null,
    fetched_at timestamptz not null
  )`,
  `create table matchings (
    package_id integer not null references packages on delete cascade,
    platform text not null,
    matched_at timestamptz,
    gaps jsonb not null default '[]',
    set_aside jsonb not null default '[]',
    primary key (package_id, platform)
  )`,
  'create index matchings_pending on matchings (package_id) where matched_at is null',
  `create table flaws (
    id integer generated always as identity primary key,
    package_id integer not null,
    platform text not null,
    name text not null,
    names text[] not null,
    rating text not null,
    score double precision,
    fix text,
    body jsonb not null,
    digest text not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    gone_at timestamptz,
    foreign key (package_id, platform) references matchings on delete cascade
  )`,
  'create index flaws_package on flaws (package_id, platform)',
  'create index flaws_names on flaws using gin (names)',
  `create view findings as
    select s.id as subject_id, f.id as flaw_id, p.id as package_id,
      greatest(f.first_seen, s.first_scanned) as first_seen, f.gone_at
    from subjects s
    join sboms b on b.id = s.sbom_id
    cross join lateral unnest(b.package_ids) as held (package_id)
    join packages p on p.id = held.package_id
    join flaws f on f.package_id = p.id and f.platform = s.platform`,
];

async function runAll(db: Kysely<unknown>, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

/** Every change of the schema, in order, forward only. What was released is never edited: a change is a new entry. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': { up: (db: Kysely<unknown>) => runAll(db, TABLES) },
};
