// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import { OakumError, PLATFORMS } from '#core';
import type { EvidenceStore } from '#evidence';
import { cacheSource, toRfc3339 } from '#image';
import type { ClosedFinding, FindingsRecord, OpenFinding } from '#release';
import {
  applyVex,
  type FeedReading,
  type Feeds,
  imageSubjects,
  type Scan,
  scan,
  type ScannedSubject,
  toVexSubjects,
  type VexDocument,
  type VexImage,
  type VexJudgement,
} from '#vulnerabilities';
import type { ChannelImage } from './images.ts';

/** Images to scan for the release document: as they were built, and as VEX knows them. */
export interface ReleaseFindingsRequest {
  readonly built: readonly ChannelImage[];
  readonly images: readonly VexImage[];
  readonly feeds: Feeds | undefined;
  /** What was decided about them. */
  readonly documents: readonly VexDocument[];
  readonly cache: Cache;
  readonly now: Date;
  /** Names a new path where a program may be kept while it is read. */
  readonly temporary: () => string;
}

const ADVISORY_FEEDS: readonly string[] = ['go', 'osv', 'debian', 'alpine'];
const MOST_TEXT = 4000;
const HOUR = 3_600_000;

/**
 * Scans the images of a revision from the cache, with the feeds at hand, and judges what is found by what was decided. Where there is no
 * feed of advisories, or what is held of it can't be read, it says "not scanned" and why: nothing found is never taken for clean.
 */
export async function releaseFindings(request: ReleaseFindingsRequest): Promise<FindingsRecord> {
  const { built, feeds, cache, now, temporary } = request;
  if (feeds === undefined) return { kind: 'not-scanned', reason: 'no vulnerability feeds were named' };
  try {
    const status = await feeds.status();
    if (!status.some(({ name, state }) => state !== 'missing' && ADVISORY_FEEDS.includes(name))) {
      return { kind: 'not-scanned', reason: 'there were no vulnerability feeds on the machine' };
    }
    const store = cachedEvidence(cache);
    const subjects = await Promise.all(
      built.map((image) =>
        imageSubjects({ image: `${image.channel}/${image.component}`, root: image.index, store, temporary }),
      ),
    );
    return toRecord(await scan(subjects.flat(), { feeds, now }), request);
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    return { kind: 'not-scanned', reason: `the scan failed: ${error.message}`.slice(0, MOST_TEXT) };
  }
}

/** Says whether a record was made with the very feeds that are at hand: then another scan of the same images finds the same. */
export async function isOfFeeds(record: FindingsRecord, feeds: Feeds | undefined): Promise<boolean> {
  if (record.kind !== 'scanned' || feeds === undefined) return false;
  const key = (one: { readonly name: string; readonly state: string; readonly digest?: string | undefined }) =>
    [one.name, one.state, one.digest].join(' ');
  const known = new Set(record.feeds.map(key));
  const status = await feeds.status();
  return status.length === known.size && status.every((one) => known.has(key(one)));
}

/** The cache as a place of evidence: what lies inside an index is in it, what is attached is not. */
function cachedEvidence(cache: Cache): EvidenceStore {
  return {
    where: 'the cache',
    source: cacheSource(cache.blobs),
    referrers: async () => [],
    resolve: async () => undefined,
    put: () => Promise.reject(new TypeError('a scan attaches nothing')),
  };
}

function toRecord(
  { reports, feeds, scannedAt }: Scan,
  { images, documents, now }: ReleaseFindingsRequest,
): FindingsRecord {
  const judgements = reports.flatMap((report) =>
    applyVex(toVexSubjects(report, images), documents, now).map((judgement) => ({ judgement, image: report.target })),
  );
  const open = new Map<string, OpenFinding>();
  const closed = new Map<string, ClosedFinding>();
  for (const { judgement, image } of judgements) {
    const { id, package: found } = judgement.finding.finding;
    const { state } = judgement;
    const key = [id, found.ecosystem, found.name, found.version, state].join('\0');
    if (state === 'not_affected' || state === 'fixed') {
      const { ecosystem, name, version } = found;
      const images = [...new Set([...(closed.get(key)?.images ?? []), image])].sort();
      closed.set(key, { id, ecosystem, package: name, version, state, images });
    } else open.set(key, merged(open.get(key), toOpen(judgement, state, image)));
  }
  const gaps = reports.flatMap((report) =>
    report.gaps.map(({ what, reason }) => ({ image: report.target, what, reason: reason.slice(0, MOST_TEXT) })),
  );
  return {
    kind: 'scanned',
    at: toRfc3339(scannedAt),
    feeds: feeds.map((feed) => toFeed(feed, now)),
    open: inOrder(open),
    closed: inOrder(closed),
    gaps: [...new Map(gaps.map((gap) => [JSON.stringify(gap), gap])).values()],
  };
}

function toOpen(
  { finding: { finding, platform } }: VexJudgement<ScannedSubject>,
  state: OpenFinding['state'],
  image: string,
): OpenFinding {
  const { id, ids, package: found, fix, severity, kev } = finding;
  return {
    id,
    aliases: ids.filter((one) => one !== id),
    ecosystem: found.ecosystem,
    package: found.name,
    version: found.version,
    ...(fix === undefined ? {} : { fix }),
    severity: severity.rating,
    exploited: kev !== undefined,
    state,
    images: [image],
    platforms: PLATFORMS.filter((one) => one === platform),
  };
}

function merged(known: OpenFinding | undefined, one: OpenFinding): OpenFinding {
  if (known === undefined) return one;
  return {
    ...known,
    images: [...new Set([...known.images, ...one.images])].sort(),
    platforms: [...new Set([...known.platforms, ...one.platforms])].sort(),
  };
}

function toFeed(
  { name, state, digest, fetchedAt, asOf }: FeedReading,
  now: Date,
): Extract<FindingsRecord, { kind: 'scanned' }>['feeds'][number] {
  const date = asOf ?? fetchedAt;
  return {
    name,
    state,
    ...(digest === undefined ? {} : { digest }),
    ...(fetchedAt === undefined ? {} : { fetchedAt: toRfc3339(fetchedAt) }),
    ...(asOf === undefined ? {} : { asOf: toRfc3339(asOf) }),
    ...(date === undefined ? {} : { ageHours: Math.max(0, Math.floor((now.getTime() - date.getTime()) / HOUR)) }),
  };
}

function inOrder<T>(found: ReadonlyMap<string, T>): T[] {
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}
