// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import type { Finding } from '../match/finding.ts';
import type { Scan, ScanReport } from '../scan.ts';
import { type Analysis, type FindingReachability, NOT_ANALYSED, type Reach } from './types.ts';

/** What is at hand for an image: an analysis, or why there is none. */
export type KnownAnalysis = Analysis | { readonly reason: string };

/** What a scan's findings are looked up in. */
export interface ReachabilityKnowledge {
  /** By the digest of the platform's manifest. */
  readonly analyses: ReadonlyMap<Digest, KnownAnalysis>;
  /** The Go database as it is now: id to the digest of the advisory's text. An advisory that changed must be looked for anew. */
  readonly advisories: Readonly<Record<string, Digest>>;
}

const NEAREST: readonly Reach[] = ['called', 'imported', 'required'];

/** Gives a scan with what is known of each finding's reachability; what nothing is known of stays as it was. */
export function withReachability(scan: Scan, knowledge: ReachabilityKnowledge): Scan {
  return { ...scan, reports: scan.reports.map((report) => withAnalysis(report, knowledge)) };
}

function withAnalysis(report: ScanReport, { analyses, advisories }: ReachabilityKnowledge): ScanReport {
  const known = report.digest === undefined ? undefined : analyses.get(report.digest);
  if (known === undefined) return report;
  if ('reason' in known) {
    const reachability: FindingReachability = { kind: 'not-analysed', reason: known.reason };
    return { ...report, findings: report.findings.map((finding) => ({ ...finding, reachability })) };
  }
  const { tool, database, at, evidence } = known;
  return {
    ...report,
    reachability: 'analysed',
    analysis: { tool: `${tool.name} ${tool.version}`, database, at, evidence },
    findings: report.findings.map((finding) => ({
      ...finding,
      reachability: reachabilityOf(finding, known, advisories),
    })),
  };
}

/**
 * What an analysis says of a finding: by the ids of the Go database among those that matched, since GHSA's entries of the same
 * flaw name no symbols. Of several the nearest counts; one of them that is not known, or has changed since, leaves all open.
 */
function reachabilityOf(
  finding: Finding,
  analysis: Analysis,
  advisories: Readonly<Record<string, Digest>>,
): FindingReachability {
  const { name, version, ecosystem, scope } = finding.package;
  if (ecosystem !== 'Go' || scope !== 'image') return unknown('only Go code in the image is analysed');
  const ids = finding.matches.flatMap(({ advisory }) => (advisory.startsWith('GO-') ? [advisory] : []));
  if (ids.length === 0) return unknown('the Go vulnerability database does not know it');
  const changed = ids.find(
    (id) => !Object.hasOwn(analysis.advisories, id) || analysis.advisories[id] !== advisories[id],
  );
  if (changed !== undefined) return unknown(`${changed} is new, or has changed, since the analysis`);
  const found = ids.map((id) =>
    analysis.reached.find((one) => one.id === id && one.module === name && bare(one.version) === bare(version)),
  );
  const nearest = found
    .flatMap((one) => one ?? [])
    .sort((a, b) => NEAREST.indexOf(a.reach) - NEAREST.indexOf(b.reach))[0];
  if (nearest?.reach === 'called') return { kind: 'called', path: nearest.path ?? [], evidence: analysis.evidence };
  if (nearest === undefined || found.includes(undefined)) return unknown('the analysis does not speak of it');
  return { kind: nearest.reach, evidence: analysis.evidence };
}

function unknown(reason: string): FindingReachability {
  return { ...NOT_ANALYSED, kind: 'not-analysed', reason };
}

/** Versions of Go's own modules stand with `v`, with `go` and bare. */
function bare(version: string): string {
  return version.replace(/^(?:v|go)/, '');
}
