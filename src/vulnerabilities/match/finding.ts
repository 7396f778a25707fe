// SPDX-License-Identifier: Apache-2.0
import type { GoImport } from '../advisory.ts';
import type { EpssEntry, FeedName, KevEntry } from '../feeds/feed.ts';
import type { FindingReachability } from '../reachability/types.ts';
import type { Severity, SeverityReading } from '../severity.ts';
import type { Occurrence, ScanPackage } from '../subject.ts';
import type { Decision } from './evaluate.ts';

/** Why one advisory touches one package: where it was looked for and what of it decided. */
export interface Match {
  readonly advisory: string;
  readonly feed: FeedName;
  /** When the advisory last changed, as it says. */
  readonly modified: string | undefined;
  /** Under what the package was looked up. */
  readonly searched: { readonly ecosystem: string; readonly name: string; readonly version: string };
  readonly decision: Decision;
  readonly fix: string | undefined;
  /** The Go packages that hold the flaw; empty where the advisory does not say. */
  readonly imports: readonly GoImport[];
  /** What the feed adds in its own words: Debian's `urgency`, `nodsa`. */
  readonly notes: Readonly<Record<string, string>>;
}

/** An advisory of the same flaw that does not touch the package, or does not count; kept, since two sources disagree then. */
export interface Dissent {
  readonly advisory: string;
  readonly reason: string;
}

/** One flaw in one package of a target. */
export interface Finding {
  /** The name it goes by; all of its names are in `ids`. */
  readonly id: string;
  readonly ids: readonly string[];
  readonly summary: string;
  readonly package: Pick<ScanPackage, 'ecosystem' | 'name' | 'scope'> & { readonly version: string };
  readonly occurrences: readonly Occurrence[];
  /** The least version that every source calls fixed; undefined where one of them knows no fix and none names one. */
  readonly fix: string | undefined;
  readonly severity: SeverityReading;
  /** All that any source says of the severity, never converted. */
  readonly severities: readonly Severity[];
  readonly published: string | undefined;
  readonly modified: string | undefined;
  readonly url: string | undefined;
  readonly matches: readonly Match[];
  readonly dissent: readonly Dissent[];
  readonly kev: KevEntry | undefined;
  readonly epss: EpssEntry | undefined;
  /** Whether the flawed code can be reached; what matching does not tell. */
  readonly reachability: FindingReachability;
}

/** An advisory that names a version of a package, and yet is no finding: withdrawn, or of another platform. */
export interface SetAside {
  readonly ids: readonly string[];
  readonly package: { readonly ecosystem: string; readonly name: string; readonly version: string };
  readonly reason: string;
}
