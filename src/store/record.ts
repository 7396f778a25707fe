// SPDX-License-Identifier: Apache-2.0
import type { FeedReading, Scan, ScanGap, ScanPackage, ScanSubject, ScanVerdict, VexImage } from '#vulnerabilities';
import { verdictOf } from '#vulnerabilities';

/** An image of a revision as the store knows it; `tag` is the one that never moves. */
export type StoredImage = VexImage & { readonly tag: string };

/** The images of one release document. */
export interface RecordedRelease {
  readonly distribution: string;
  readonly images: readonly StoredImage[];
}

/** A subject that was scanned, with what was found in it by count: the findings themselves are matched in the store. */
export interface RecordedSubject {
  readonly target: string;
  readonly kind: ScanSubject['kind'];
  readonly platform?: string;
  readonly digest?: string;
  readonly basis: string;
  readonly packages: readonly ScanPackage[];
  readonly gaps: readonly ScanGap[];
  readonly verdict: ScanVerdict;
  readonly findings: number;
}

/** What a scan leaves for the store. */
export interface ScanRecord {
  readonly version: 1;
  /** ISO 8601 in UTC. */
  readonly scannedAt: string;
  /** The digest of each feed that was at hand. */
  readonly feeds: Readonly<Record<string, string>>;
  readonly subjects: readonly RecordedSubject[];
  readonly releases: readonly RecordedRelease[];
}

/** Takes a scan, the subjects it was made of (in the same order) and the releases they are of; gives its record. */
export function toScanRecord(
  scan: Scan,
  subjects: readonly ScanSubject[],
  releases: readonly RecordedRelease[] = [],
): ScanRecord {
  return {
    version: 1,
    scannedAt: scan.scannedAt.toISOString(),
    feeds: digestsOf(scan.feeds),
    subjects: scan.reports.flatMap((report, place): RecordedSubject[] => {
      const subject = subjects[place];
      if (subject === undefined) return [];
      const { target, kind, platform, digest, basis, packages, gaps } = subject;
      const verdict = verdictOf({ ...scan, reports: [report] });
      return [
        {
          target,
          kind,
          ...(platform === undefined ? {} : { platform }),
          ...(digest === undefined ? {} : { digest }),
          basis,
          packages,
          gaps,
          verdict,
          findings: report.findings.length,
        },
      ];
    }),
    releases,
  };
}

function digestsOf(feeds: readonly FeedReading[]): Readonly<Record<string, string>> {
  return Object.fromEntries(feeds.flatMap(({ name, digest }) => (digest === undefined ? [] : [[name, digest]])));
}
