// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { type PastFinding, replay, type Replay, type ReplayPace } from '#patch';
import { type Sources, SourcesError, toolchainModule } from '#sources';
import {
  type Feeds,
  type Finding,
  scan,
  type ScanSubject,
  type SlaPolicy,
  toObservedFinding,
  toVexSubjects,
  type VexImage,
} from '#vulnerabilities';
import { imageOf } from './observe-scan.ts';
import type { Workshop } from './workshop.ts';

/** The feeds as they stood on a day. */
export interface FeedsOfDay {
  readonly date: Date;
  readonly feeds: Feeds;
}

/** A release to replay: its images as they were scanned, the history of the feeds, oldest first, and how it is judged. */
export interface ReplayReleaseRequest {
  readonly subjects: readonly ScanSubject[];
  readonly images: readonly VexImage[];
  readonly history: readonly FeedsOfDay[];
  readonly from: Date;
  readonly to: Date;
  readonly pace: ReplayPace;
  readonly policies: readonly SlaPolicy[];
}

/** A finding of the past, as the feeds had it. */
interface Sighting {
  readonly past: Omit<PastFinding, 'fixed'>;
  readonly finding: Finding;
}

const AT_ONCE = 16;

/**
 * Says what would have become of each finding of a release: when it was disclosed, since when its fix could be had (the time of the
 * fixing module's version), when a revision with the fix would have been published. An advisory counts from its published
 * date, yet not before the last day of the history whose feeds lack it.
 */
export async function replayRelease(request: ReplayReleaseRequest, shop: Workshop): Promise<Replay> {
  const sightings = await findSightings(request);
  const sources = await shop.sources();
  const limit = pLimit(AT_ONCE);
  const known = new Map<string, Promise<Date | undefined>>();
  const findings = await Promise.all(
    sightings.map(async ({ past, finding }): Promise<PastFinding> => {
      const key = `${finding.package.name}@${finding.fix ?? ''}`;
      const fixed = known.get(key) ?? limit(() => fixTimeOf(finding, sources, shop));
      known.set(key, fixed);
      return { ...past, fixed: await fixed };
    }),
  );
  return replay({ ...request, findings });
}

/** Each vulnerability of each product once, as the newest feeds know it. */
async function findSightings({ subjects, images, history }: ReplayReleaseRequest): Promise<readonly Sighting[]> {
  const found = new Map<string, Sighting>();
  let before = new Date(0);
  for (const { date, feeds } of history) {
    const { reports } = await scan(subjects, { feeds, now: date });
    const today = new Map<string, Sighting>();
    for (const subject of reports.flatMap((report) => toVexSubjects(report, images))) {
      const image = imageOf(subject.digests, images);
      if (image === undefined) continue;
      const observed = toObservedFinding({ finding: subject, state: 'open', decidedBy: undefined }, image);
      const key = `${observed.product} ${observed.vulnerability}`;
      const published = observed.disclosed ?? date;
      const disclosed = found.get(key)?.past.disclosed ?? new Date(Math.max(+before, +published));
      today.set(key, { past: { finding: observed, disclosed }, finding: subject.finding });
    }
    for (const [key, sighting] of today) found.set(key, sighting);
    before = date;
  }
  return [...found.values()];
}

/** When the version that fixes a finding came to be; undefined where there is none, or where it is not served. */
async function fixTimeOf(finding: Finding, sources: Sources, shop: Workshop): Promise<Date | undefined> {
  const { fix, package: found } = finding;
  if (fix === undefined || found.ecosystem !== 'Go') return undefined;
  const isGo = found.name === 'stdlib' || found.name === 'toolchain';
  const version = `v${fix.replace(/^v/, '')}`;
  const module = isGo ? toolchainModule(fix, shop.machine.platform) : { path: found.name, version };
  try {
    return (await sources.info(module)).time;
  } catch (error) {
    if (!(error instanceof SourcesError)) throw error;
    shop.report({
      kind: 'warning',
      message: `${found.name} ${version} fixes ${finding.id}, and is not served: ${error.message}`,
    });
    return undefined;
  }
}
