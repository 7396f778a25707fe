// SPDX-License-Identifier: Apache-2.0
import { type Digest, messageOf } from '#core';
import { type Advisory, toAdvisory } from './advisory.ts';
import type { FeedName, FeedReading, Feeds } from './feeds/feed.ts';
import type { Finding, SetAside } from './match/finding.ts';
import { type AdvisoryIndex, indexAdvisories, matchPackages } from './match/match.ts';
import type { SeverityPolicy } from './severity.ts';
import type { ScanGap, ScanPackage, ScanSubject } from './subject.ts';

/** What a scan of one target found. Only where both lists are empty is it clean. */
export interface ScanReport extends Omit<ScanSubject, 'packages' | 'gaps' | 'provenance' | 'root'> {
  /** How many packages were looked up. */
  readonly packages: number;
  readonly findings: readonly Finding[];
  /** Advisories that name a version here and are no findings, with the reason. */
  readonly setAside: readonly SetAside[];
  /** What could not be checked. */
  readonly gaps: readonly ScanGap[];
  /** A scan looks at versions; whether the flawed code can be reached, govulncheck says. Each finding tells its own. */
  readonly reachability: 'analysed' | 'not analysed';
  /** By what it was analysed, with which database, when (RFC 3339), and the digest of the tool's output. */
  readonly analysis?: {
    readonly tool: string;
    readonly database: string;
    readonly at: string;
    readonly evidence: Digest;
  };
}

/** A scan: each target's report, and the feeds that all were checked with. */
export interface Scan {
  readonly scannedAt: Date;
  readonly feeds: readonly FeedReading[];
  readonly reports: readonly ScanReport[];
}

/** The verdict of a scan: `unchecked` where nothing was found, yet not everything could be checked. */
export type ScanVerdict = 'clean' | 'findings' | 'unchecked';

/** What a scan needs beside its targets. */
export interface ScanOptions {
  readonly feeds: Feeds;
  readonly now: Date;
  readonly policy?: SeverityPolicy;
}

/** The feeds that advisories of an ecosystem come from. */
const FEEDS_OF: Readonly<Record<string, readonly FeedName[]>> = {
  Go: ['go', 'osv'],
  Debian: ['debian'],
  Alpine: ['alpine'],
};

/**
 * Matches targets with the feeds. Every package of every target is looked up at once, so that seven images cost little
 * more than one. A feed that is missing, stale or faulty, an advisory that is broken, a package without a version: each is a gap.
 */
export async function scan(subjects: readonly ScanSubject[], options: ScanOptions): Promise<Scan> {
  const { feeds, now, policy } = options;
  const status = await feeds.status();
  const found = new Map<string, EcosystemReading>();
  for (const [ecosystem, packages] of Map.groupBy(
    subjects.flatMap((one) => one.packages),
    (one) => one.ecosystem,
  ))
    found.set(ecosystem, await readEcosystem(feeds, ecosystem, packages));
  const index = indexAdvisories([...found.values()].flatMap((one) => one.advisories));
  const reports = subjects.map((subject) => scanSubject(subject, { index, found, status, policy }));
  return { scannedAt: now, feeds: status, reports: await withUrgency(reports, feeds) };
}

/** Gives what a scan says as a whole. */
export function verdictOf({ reports }: Scan): ScanVerdict {
  if (reports.some((report) => report.findings.some((finding) => finding.package.scope === 'image'))) return 'findings';
  return reports.length === 0 || reports.some((report) => report.gaps.length > 0) ? 'unchecked' : 'clean';
}

/** Advisories of an ecosystem, and those that could not be read. */
export interface EcosystemReading {
  readonly advisories: readonly Advisory[];
  readonly gaps: readonly ScanGap[];
}

/** Reads the advisories that may say something of one of these packages of an ecosystem. */
export async function readEcosystem(
  feeds: Feeds,
  ecosystem: string,
  packages: readonly Pick<ScanPackage, 'name' | 'version'>[],
): Promise<EcosystemReading> {
  const advisories: Advisory[] = [];
  const gaps: ScanGap[] = [];
  const byName = [...Map.groupBy(packages, ({ name }) => name)];
  const versions = new Map(byName.map(([name, own]) => [name, own.map(({ version }) => version)]));
  for (const value of await feeds.advisories(ecosystem, new Set(versions.keys()), versions)) {
    try {
      advisories.push(toAdvisory(value));
    } catch (error) {
      gaps.push({ what: `an advisory of ${ecosystem}`, reason: messageOf(error) });
    }
  }
  return { advisories, gaps };
}

interface SharedReadings {
  readonly index: AdvisoryIndex;
  readonly found: ReadonlyMap<string, EcosystemReading>;
  readonly status: readonly FeedReading[];
  readonly policy: SeverityPolicy | undefined;
}

function scanSubject(subject: ScanSubject, { index, found, status, policy }: SharedReadings): ScanReport {
  const { packages, gaps, provenance: _provenance, root: _root, ...about } = subject;
  const ecosystems = [...new Set(packages.map((one) => one.ecosystem))].sort();
  const matched = matchPackages(packages, index, {
    ...(subject.platform === undefined ? {} : { platform: subject.platform }),
    ...(policy === undefined ? {} : { policy }),
  });
  return {
    ...about,
    packages: packages.length,
    findings: matched.findings,
    setAside: matched.setAside,
    gaps: [
      ...gaps,
      ...ecosystems.flatMap((ecosystem) => feedGaps(ecosystem, status)),
      ...ecosystems.flatMap((ecosystem) => found.get(ecosystem)?.gaps ?? []),
      ...matched.gaps,
    ],
    reachability: 'not analysed',
  };
}

/** What a feed that is not as it should be leaves unchecked. */
export function feedGaps(ecosystem: string, status: readonly FeedReading[]): readonly ScanGap[] {
  const [base = ''] = ecosystem.split(':', 1);
  const names = FEEDS_OF[base] ?? [];
  const what = `${ecosystem} packages`;
  if (names.length === 0) return [{ what, reason: 'no feed covers them' }];
  return names.flatMap((name): ScanGap[] => {
    const reading = status.find((one) => one.name === name);
    if (reading === undefined || reading.state === 'missing')
      return [{ what, reason: `feed ${name} is missing: ${reading?.reason ?? 'it is not known'}`, feed: name }];
    if (reading.ecosystems !== undefined && !reading.ecosystems.includes(ecosystem))
      return [{ what, reason: `feed ${name} does not hold ${ecosystem}`, feed: name }];
    if (reading.state === 'fresh') return [];
    return [
      { what, reason: `feed ${name} is ${reading.state}: ${reading.reason ?? 'no reason is given'}`, feed: name },
    ];
  });
}

/** Adds what CISA and FIRST say of each finding's CVEs: known to be exploited, and the highest estimate that it will be. */
export async function withUrgency(reports: readonly ScanReport[], feeds: Feeds): Promise<readonly ScanReport[]> {
  const cvesOf = (finding: Finding) => finding.ids.filter((id) => id.startsWith('CVE-'));
  const cves = new Set(reports.flatMap((report) => report.findings.flatMap(cvesOf)));
  if (cves.size === 0) return reports;
  const [kev, epss] = await Promise.all([feeds.kev(cves), feeds.epss(cves)]);
  const urgent = (finding: Finding): Finding => {
    const own = cvesOf(finding);
    const scores = own.flatMap((cve) => epss.get(cve) ?? []).sort((a, b) => b.score - a.score);
    return { ...finding, kev: own.flatMap((cve) => kev.get(cve) ?? [])[0], epss: scores[0] };
  };
  return reports.map((report) => ({ ...report, findings: report.findings.map(urgent) }));
}
