// SPDX-License-Identifier: Apache-2.0
import type { Advisory, Affected } from '../advisory.ts';
import type { FeedName } from '../feeds/feed.ts';
import { NOT_ANALYSED } from '../reachability/types.ts';
import { rateSeverity, type SeverityPolicy } from '../severity.ts';
import { packageKey, type ScanGap, type ScanPackage } from '../subject.ts';
import { groupByAlias, sortedNames } from './aliases.ts';
import { evaluate, type VersionReading } from './evaluate.ts';
import type { Finding, Match, SetAside } from './finding.ts';
import { orderOf } from './version-order.ts';

/** What to match with: `platform` (`linux/amd64`) leaves out what concerns other systems only, where an advisory says so. */
export interface MatchOptions {
  readonly platform?: string;
  readonly policy?: SeverityPolicy;
}

/** What matching gave for some packages. */
export interface Matched {
  readonly findings: readonly Finding[];
  readonly setAside: readonly SetAside[];
  readonly gaps: readonly ScanGap[];
}

/** Advisories by ecosystem and package, so that a package costs what its own advisories cost. */
export type AdvisoryIndex = ReadonlyMap<string, readonly Advisory[]>;

/** Gives an index of advisories by every package they name. */
export function indexAdvisories(advisories: readonly Advisory[]): AdvisoryIndex {
  const index = new Map<string, Advisory[]>();
  for (const advisory of advisories) {
    const keys = new Set(advisory.affected.map((one) => indexKey(one.ecosystem, one.name)));
    for (const key of keys) {
      const list = index.get(key);
      if (list === undefined) index.set(key, [advisory]);
      else list.push(advisory);
    }
  }
  return index;
}

function indexKey(ecosystem: string, name: string): string {
  return `${ecosystem}\n${name}`;
}

/** Matches packages with advisories. The findings are in the order of packages, then ids. */
export function matchPackages(
  packages: readonly ScanPackage[],
  index: AdvisoryIndex,
  options: MatchOptions = {},
): Matched {
  const all = packages.map((one) => matchPackage(one, index.get(indexKey(one.ecosystem, one.name)) ?? [], options));
  return {
    findings: all.flatMap((one) => one.findings).sort(compareFindings),
    setAside: all.flatMap((one) => one.setAside),
    gaps: all.flatMap((one) => one.gaps),
  };
}

function compareFindings(a: Finding, b: Finding): number {
  const [left, right] = [packageKey(a.package), packageKey(b.package)];
  return left === right ? (a.id < b.id ? -1 : 1) : left < right ? -1 : 1;
}

/** One advisory's say on one package. */
interface Candidate {
  readonly advisory: Advisory;
  readonly affected: readonly Affected[];
  readonly reading:
    | VersionReading
    | { readonly kind: 'withdrawn' }
    | { readonly kind: 'elsewhere'; readonly reason: string };
  /** The entry that affects the package. */
  readonly entry?: Affected;
}

const NOTHING: Matched = { findings: [], setAside: [], gaps: [] };

function matchPackage(one: ScanPackage, advisories: readonly Advisory[], options: MatchOptions): Matched {
  if (advisories.length === 0) return NOTHING;
  const { version } = one;
  const live = advisories.filter((advisory) => advisory.withdrawn === undefined);
  if (version === undefined)
    return { findings: [], setAside: [], gaps: live.length === 0 ? [] : [versionGap(one, live)] };
  const gap = orderOf(one.ecosystem)?.isVersion(version) === false ? notOrdered(one, version) : undefined;
  if (gap !== undefined && live.length > 0) return { findings: [], setAside: [], gaps: [gap] };
  const findings: Finding[] = [];
  const setAside: SetAside[] = [];
  const gaps: ScanGap[] = [];
  const versioned = { ...one, version };
  const candidates = advisories.map((advisory) => judge(versioned, advisory, options));
  if (candidates.every(({ reading }) => reading.kind === 'unaffected')) return NOTHING; // as for most packages
  for (const group of groupByAlias(candidates)) {
    if (group.some((candidate) => candidate.reading.kind === 'affected')) {
      findings.push(toFinding(versioned, group, options));
      continue;
    }
    for (const { advisory, reading } of group) {
      if (reading.kind === 'unknown')
        gaps.push({ what: `${one.name} ${version}: ${advisory.id}`, reason: reading.reason });
      const reason =
        reading.kind === 'elsewhere' ? reading.reason : reading.kind === 'withdrawn' ? 'withdrawn' : undefined;
      if (reason === undefined) continue;
      const ids = sortedNames(group.map((candidate) => candidate.advisory));
      setAside.push({ ids, package: { ecosystem: one.ecosystem, name: one.name, version }, reason });
    }
  }
  return { findings, setAside, gaps };
}

type Versioned = ScanPackage & { readonly version: string };

function versionGap(one: ScanPackage, advisories: readonly Advisory[]): ScanGap {
  const [told = ''] = one.occurrences.map((occurrence) => occurrence.version);
  const version = told === '' ? 'its version is not told' : `${JSON.stringify(told.slice(0, 80))} tells no version`;
  return { what: one.name, reason: `${version}; ${advisories.length} advisories name it` };
}

function notOrdered(one: ScanPackage, version: string): ScanGap {
  const scheme = one.ecosystem.split(':', 1)[0];
  return { what: one.name, reason: `${JSON.stringify(version.slice(0, 80))} is no version by the rules of ${scheme}` };
}

/** An advisory can have several entries for one package: any of them affects it. */
function judge(one: Versioned, advisory: Advisory, options: MatchOptions): Candidate {
  const affected = advisory.affected.filter((entry) => entry.ecosystem === one.ecosystem && entry.name === one.name);
  const readings = affected.map((entry) => ({ entry, reading: evaluate(entry, one.version) }));
  const base = { advisory, affected };
  const hits = readings.filter(({ reading }) => reading.kind === 'affected');
  if (hits.length === 0) {
    const unknown = readings.find(({ reading }) => reading.kind === 'unknown');
    const isWithdrawn = advisory.withdrawn !== undefined;
    return { ...base, reading: isWithdrawn ? { kind: 'unaffected' } : (unknown?.reading ?? { kind: 'unaffected' }) };
  }
  if (advisory.withdrawn !== undefined) return { ...base, reading: { kind: 'withdrawn' } };
  const here = hits.find(({ entry }) => isOnPlatform(entry, options.platform));
  if (here !== undefined) return { ...base, entry: here.entry, reading: here.reading };
  const systems = [
    ...new Set(hits.flatMap(({ entry }) => entry.imports.flatMap((path) => [...path.goos, ...path.goarch]))),
  ];
  return { ...base, reading: { kind: 'elsewhere', reason: `it concerns ${systems.sort().join(', ')} only` } };
}

/** As govulncheck has it: an entry whose every Go package is of other systems does not concern this one. */
function isOnPlatform(entry: Affected, platform: string | undefined): boolean {
  const [os, architecture] = platform?.split('/') ?? [];
  if (os === undefined || architecture === undefined || entry.imports.length === 0) return true;
  return entry.imports.some(
    ({ goos, goarch }) =>
      (goos.length === 0 || goos.includes(os)) && (goarch.length === 0 || goarch.includes(architecture)),
  );
}

function toFinding(one: Versioned, group: readonly Candidate[], options: MatchOptions): Finding {
  const advisories = group.map((candidate) => candidate.advisory);
  const ids = sortedNames(advisories);
  const [id = ''] = ids;
  const matches = group.flatMap((candidate) => toMatch(one, candidate));
  const severities = group.flatMap(({ advisory, affected }) => [
    ...advisory.severities,
    ...affected.flatMap((entry) => entry.severities),
  ]);
  const lead = advisories.find((advisory) => advisory.id === id) ?? advisories[0];
  const said = (pick: (advisory: Advisory) => string | undefined) =>
    advisories.flatMap((advisory) => pick(advisory) ?? []).sort();
  return {
    id,
    ids,
    summary:
      lead?.summary === '' ? (said((advisory) => advisory.summary || undefined)[0] ?? '') : (lead?.summary ?? ''),
    package: { ecosystem: one.ecosystem, name: one.name, version: one.version, scope: one.scope },
    occurrences: one.occurrences,
    fix: commonFix(one.ecosystem, group),
    severity: rateSeverity(severities, options.policy),
    severities,
    published: said((advisory) => advisory.published)[0],
    modified: said((advisory) => advisory.modified).at(-1),
    url: lead?.url,
    matches,
    dissent: group.flatMap(({ advisory, reading }) => {
      if (reading.kind === 'affected') return [];
      const reasons = { unaffected: 'it does not touch this version', withdrawn: 'it is withdrawn' } as const;
      const reason = 'reason' in reading ? reading.reason : reasons[reading.kind];
      return [{ advisory: advisory.id, reason }];
    }),
    kev: undefined,
    epss: undefined,
    reachability: NOT_ANALYSED,
  };
}

function toMatch(one: Versioned, { advisory, reading, entry }: Candidate): readonly Match[] {
  if (reading.kind !== 'affected' || entry === undefined) return [];
  return [
    {
      advisory: advisory.id,
      feed: feedOf(advisory.id),
      modified: advisory.modified,
      searched: { ecosystem: one.ecosystem, name: one.name, version: one.version },
      decision: reading.by,
      fix: reading.fix,
      imports: entry.imports,
      notes: entry.notes,
    },
  ];
}

/** Each feed makes ids of its own kind; OSV carries every other one. */
export function feedOf(id: string): FeedName {
  if (id.startsWith('GO-')) return 'go';
  if (id.startsWith('DEBIAN-')) return 'debian';
  return id.startsWith('ALPINE-') ? 'alpine' : 'osv';
}

/** The highest of the fixes that sources name; and it must not be a version that another source says is affected. */
function commonFix(ecosystem: string, group: readonly Candidate[]): string | undefined {
  const order = orderOf(ecosystem);
  const fixes = group.flatMap(({ reading }) => (reading.kind === 'affected' ? (reading.fix ?? []) : []));
  const highest = fixes.sort((a, b) => order?.compare(a, b) ?? 0).at(-1);
  if (highest === undefined) return undefined;
  const entries = group.flatMap(({ reading, affected }) => (reading.kind === 'affected' ? affected : []));
  const isOpen = entries.some((entry) => evaluate(entry, highest).kind === 'affected');
  return isOpen ? undefined : highest;
}
