// SPDX-License-Identifier: Apache-2.0
import { sql } from 'kysely';
import type { Digest } from '#core';
import { feedGaps, type FeedReading, type Feeds, type ScanGap, type SetAside, withUrgency } from '#vulnerabilities';
import { readFindings } from './read-findings.ts';
import { type PlacedImage, readImages } from './read-images.ts';
import type { Database, Tables } from './schema.ts';
import type { SeenFinding, StoredReport, SubjectFilter } from './types.ts';

type SubjectRow = Omit<Tables['subjects'], 'id'> & { readonly id: number };

/** Gives what is known of the subjects that a filter means, in the form of scan reports. */
export async function readReports(db: Database, feeds: Feeds, filter: SubjectFilter): Promise<readonly StoredReport[]> {
  const subjects = await chosenSubjects(db, filter);
  const ids = subjects.map(({ subject }) => subject.id);
  const [findings, contents, status] = [
    await readFindings(db, ids, filter.names),
    await readContents(db, ids),
    await feeds.status(),
  ];
  const wanted = filter.names === undefined ? subjects : subjects.filter(({ subject }) => findings.has(subject.id));
  const reports = wanted.map(({ subject, placed }) => {
    const content = contents.get(subject.id) ?? NOTHING;
    return toReport(subject, { placed, content, findings: findings.get(subject.id) ?? [], status });
  });
  // What it adds to each finding is all that differs.
  return (await withUrgency(reports, feeds)) as readonly StoredReport[];
}

interface ChosenSubject {
  readonly subject: SubjectRow;
  readonly placed: PlacedImage | undefined;
}

async function chosenSubjects(db: Database, filter: SubjectFilter): Promise<readonly ChosenSubject[]> {
  const meant = await readImages(db, filter);
  const others = await readImages(db, { allRevisions: true });
  const byManifest = indexByManifest(meant);
  const known = indexByManifest(others);
  const { line, revision, components, channels, platforms } = filter;
  const isAnyImage = [line, revision, components, channels].every((one) => one === undefined);
  const subjects = await db
    .selectFrom('subjects')
    .selectAll()
    .orderBy('target')
    .orderBy('platform')
    .orderBy('id')
    .execute();
  return newestOfEach(subjects).flatMap((subject): readonly ChosenSubject[] => {
    if (platforms !== undefined && !platforms.includes(subject.platform)) return [];
    const placed = subject.digest === null ? undefined : byManifest.get(subject.digest);
    if (placed !== undefined) return [{ subject, placed }];
    const isOfOther = subject.digest !== null && known.has(subject.digest);
    return isAnyImage && !isOfOther ? [{ subject, placed }] : [];
  });
}

/** Newest revisions come first, and the first one counts. */
function indexByManifest(images: readonly PlacedImage[]): ReadonlyMap<string, PlacedImage> {
  const index = new Map<string, PlacedImage>();
  for (const placed of images)
    for (const { digest } of placed.image.platforms) if (!index.has(digest)) index.set(digest, placed);
  return index;
}

/** A file that was changed, or a tag that was moved, is what it was when it was last scanned. */
function newestOfEach(subjects: readonly SubjectRow[]): readonly SubjectRow[] {
  const groups = Map.groupBy(subjects, ({ target, platform }) => JSON.stringify([target, platform]));
  return [...groups.values()].flatMap((own) => {
    const [newest] = own.toSorted((a, b) => +b.last_scanned - +a.last_scanned || b.id - a.id);
    return newest ?? [];
  });
}

interface Content {
  readonly packages: number;
  readonly ecosystems: readonly string[];
  readonly pending: number;
  readonly gaps: readonly ScanGap[];
  readonly setAside: readonly SetAside[];
}

const NOTHING: Content = { packages: 0, ecosystems: [], pending: 0, gaps: [], setAside: [] };

async function readContents(db: Database, subjectIds: readonly number[]): Promise<ReadonlyMap<number, Content>> {
  const { rows } = await sql<Content & { subject_id: number }>`select s.id as subject_id, count(*)::int as packages,
      array_agg(distinct p.ecosystem order by p.ecosystem) as ecosystems,
      (count(*) filter (where m.matched_at is null))::int as pending,
      coalesce(jsonb_agg(m.gaps order by p.id) filter (where m.gaps <> '[]'), '[]') as gaps,
      coalesce(jsonb_agg(m.set_aside order by p.id) filter (where m.set_aside <> '[]'), '[]') as "setAside"
    from subjects s join sboms b on b.id = s.sbom_id
    cross join lateral unnest(b.package_ids) as held (package_id)
    join packages p on p.id = held.package_id
    join matchings m on m.package_id = p.id and m.platform = s.platform
    where s.id = any(${subjectIds}::integer[])
    group by s.id`.execute(db);
  return new Map(
    rows.map(({ subject_id, gaps, setAside, ...content }) => [
      subject_id,
      { ...content, gaps: gaps.flat() as readonly ScanGap[], setAside: setAside.flat() as readonly SetAside[] },
    ]),
  );
}

interface Parts {
  readonly placed: PlacedImage | undefined;
  readonly content: Content;
  readonly findings: readonly SeenFinding[];
  readonly status: readonly FeedReading[];
}

function toReport(subject: SubjectRow, { placed, content, findings, status }: Parts): StoredReport {
  const { target, kind, platform, digest, basis, gaps, first_scanned, last_scanned } = subject;
  const pending =
    content.pending === 0 ? [] : [{ what: `${content.pending} packages`, reason: 'they were not looked up yet' }];
  const all = [
    ...gaps,
    ...content.ecosystems.flatMap((ecosystem) => feedGaps(ecosystem, status)),
    ...pending,
    ...content.gaps,
  ];
  return {
    target,
    kind,
    ...(platform === '' ? {} : { platform }),
    ...(digest === null ? {} : { digest: digest as Digest }),
    basis,
    packages: content.packages,
    findings,
    setAside: content.setAside,
    gaps: [...new Map(all.map((gap) => [JSON.stringify(gap), gap])).values()],
    reachability: 'not analysed',
    distribution: placed?.distribution,
    image: placed?.image,
    firstScanned: first_scanned,
    lastScanned: last_scanned,
  };
}
