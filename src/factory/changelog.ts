// SPDX-License-Identifier: Apache-2.0
import { type DiffSide, diffImages, type PlatformDiff } from '#evidence';
import {
  describePath,
  type Feeds,
  type Finding,
  imageSubjects,
  type ReachabilityKnowledge,
  reachabilityWord,
  scan,
  type ScanGap,
  type ScanReport,
  withReachability,
} from '#vulnerabilities';

/** One image as two revisions have it. */
export interface ChangelogPair {
  readonly channel: string;
  readonly component: string;
  readonly before: DiffSide;
  readonly after: DiffSide;
}

/** A finding as a changelog names it. */
export interface ListedFinding {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly severity: string;
  readonly package: string;
  readonly version: string;
  readonly fix: string | undefined;
  readonly summary: string;
  /** `called`, `imported`, `required` or `not analysed`; where called, by what. */
  readonly reachability: string;
  readonly path?: string;
}

/** What changed in one image: its content platform by platform, and which findings went, came and stayed on any platform. */
export interface ImageChanges {
  readonly channel: string;
  readonly component: string;
  readonly before: string;
  readonly after: string;
  readonly platforms: readonly PlatformDiff[];
  readonly fixed: readonly ListedFinding[];
  readonly opened: readonly ListedFinding[];
  readonly left: readonly ListedFinding[];
  /** What the scans could not check, so that nothing is said about it. */
  readonly gaps: readonly ScanGap[];
}

/** How a changelog is made: feeds that both revisions are scanned with, when, and where a program may be kept while it is read. */
export interface ChangelogOptions {
  readonly feeds: Feeds;
  readonly now: Date;
  readonly temporary: () => string;
  /** Finds the analyses that are kept of scanned images. */
  readonly reachability: (reports: readonly ScanReport[]) => Promise<ReachabilityKnowledge>;
}

/**
 * Compares the images of two revisions: content by their SBOMs, findings by one scan of both with the same feeds, so that what the feeds
 * learned in between is no difference. Throws what the stores throw.
 */
export async function compareRevisions(
  pairs: readonly ChangelogPair[],
  options: ChangelogOptions,
): Promise<readonly ImageChanges[]> {
  return Promise.all(pairs.map((pair) => compareImages(pair, options)));
}

async function compareImages(
  { channel, component, before, after }: ChangelogPair,
  { feeds, now, temporary, reachability }: ChangelogOptions,
): Promise<ImageChanges> {
  const [platforms, olderSubjects, newerSubjects] = await Promise.all([
    diffImages(before, after, { temporary }),
    imageSubjects({ ...before, temporary }),
    imageSubjects({ ...after, temporary }),
  ]);
  const matched = await scan([...olderSubjects, ...newerSubjects], { feeds, now });
  const { reports } = withReachability(matched, await reachability(matched.reports));
  const older = findingsOf(reports.slice(0, olderSubjects.length));
  const newer = findingsOf(reports.slice(olderSubjects.length));
  return {
    channel,
    component,
    before: before.root.descriptor.digest,
    after: after.root.descriptor.digest,
    platforms,
    fixed: without(older, newer),
    opened: without(newer, older),
    left: [...newer].filter(([key]) => older.has(key)).map(([, finding]) => finding),
    gaps: uniqueGaps(reports.flatMap((report) => report.gaps)),
  };
}

type Findings = ReadonlyMap<string, ListedFinding>;

/** What built an image is not in it. Of several platforms the one counts that comes nearest to the flaw. */
function findingsOf(reports: readonly { readonly findings: readonly Finding[] }[]): Findings {
  const inside = reports.flatMap(({ findings }) => findings.filter((finding) => finding.package.scope === 'image'));
  const nearest = new Map<string, Finding>();
  for (const finding of inside) {
    const key = `${finding.id} ${finding.package.name}`;
    const known = nearest.get(key);
    if (known === undefined || nearness(finding) > nearness(known)) nearest.set(key, finding);
  }
  return new Map([...nearest].map(([key, finding]) => [key, toListed(finding)]));
}

function nearness({ reachability }: Finding): number {
  return ['not-analysed', 'required', 'imported', 'called'].indexOf(reachability.kind);
}

function toListed({ id, ids, severity, package: found, fix, summary, reachability }: Finding): ListedFinding {
  const aliases = ids.filter((one) => one !== id);
  return {
    id,
    aliases,
    severity: severity.rating,
    package: found.name,
    version: found.version,
    fix,
    summary,
    reachability: reachabilityWord(reachability),
    ...(reachability.kind === 'called' ? { path: describePath(reachability.path) } : {}),
  };
}

function without(findings: Findings, others: Findings): readonly ListedFinding[] {
  return [...findings].filter(([key]) => !others.has(key)).map(([, finding]) => finding);
}

function uniqueGaps(gaps: readonly ScanGap[]): readonly ScanGap[] {
  return [...new Map(gaps.map((gap) => [`${gap.what} ${gap.reason}`, gap])).values()];
}
