// SPDX-License-Identifier: Apache-2.0
import type { Generated, Kysely } from 'kysely';
import type {
  FeedName,
  Finding,
  Occurrence,
  Rating,
  ScanGap,
  ScanSubject,
  ScanVerdict,
  SetAside,
} from '#vulnerabilities';

/** A revision of a release of one distribution. */
interface RevisionTable {
  readonly id: Generated<number>;
  readonly distribution: string;
  readonly line: string;
  readonly release: string;
  readonly revision: string;
}

/** An image of a revision; `digest` is that of its index. */
interface ImageTable {
  readonly id: Generated<number>;
  readonly revision_id: number;
  readonly channel: string;
  readonly component: string;
  readonly repository: string;
  readonly digest: string;
  readonly tag: string;
}

interface ManifestTable {
  readonly image_id: number;
  readonly platform: string;
  readonly digest: string;
}

/** A package as advisories name it, with its names in the SBOM. All SBOMs that hold the same share one row. */
interface PackageTable {
  readonly id: Generated<number>;
  /** Of all the rest. */
  readonly digest: string;
  readonly scope: 'image' | 'build';
  readonly ecosystem: string;
  readonly name: string;
  readonly version: string | null;
  readonly occurrences: readonly Occurrence[];
}

/** A list of packages; `digest` is of their digests. */
interface SbomTable {
  readonly id: Generated<number>;
  readonly digest: string;
  readonly package_ids: readonly number[];
}

/** Something that was scanned. `key` is its manifest's digest; for what has none its SBOM's and its name. */
interface SubjectTable {
  readonly id: Generated<number>;
  readonly key: string;
  readonly target: string;
  readonly kind: ScanSubject['kind'];
  /** Empty where it is of no platform. */
  readonly platform: string;
  readonly digest: string | null;
  readonly basis: string;
  readonly sbom_id: number;
  readonly gaps: readonly ScanGap[];
  readonly first_scanned: Date;
  readonly last_scanned: Date;
}

/** One scan of a subject, and what it was made with: the digest of each feed. */
interface ScanTable {
  readonly subject_id: number;
  readonly scanned_at: Date;
  readonly feeds: Readonly<Record<string, string>>;
  readonly verdict: ScanVerdict;
  readonly findings: number;
}

/** The feeds that every matched package is matched with. */
interface FeedTable {
  readonly name: FeedName;
  readonly digest: string;
  readonly fetched_at: Date;
}

/** A package on a platform that some subject has; `matched_at` is null until it was first looked up. */
interface MatchingTable {
  readonly package_id: number;
  readonly platform: string;
  readonly matched_at: Date | null;
  readonly gaps: readonly ScanGap[];
  readonly set_aside: readonly SetAside[];
}

/** A finding without what is not of matching: that changes daily, or is of one image. */
export type StoredFinding = Omit<Finding, 'kev' | 'epss' | 'reachability'>;

/** One flaw in one package on one platform: a finding of every subject that holds this package. */
interface FlawTable {
  readonly id: Generated<number>;
  readonly package_id: number;
  readonly platform: string;
  readonly name: string;
  readonly names: readonly string[];
  readonly rating: Rating;
  readonly score: number | null;
  readonly fix: string | null;
  readonly body: StoredFinding;
  /** Of the body. */
  readonly digest: string;
  readonly first_seen: Date;
  readonly changed_at: Date;
  /** When it was no longer found: the advisory was withdrawn, or says otherwise now. */
  readonly gone_at: Date | null;
}

/** All tables of the store. */
export interface Tables {
  readonly revisions: RevisionTable;
  readonly images: ImageTable;
  readonly manifests: ManifestTable;
  readonly packages: PackageTable;
  readonly sboms: SbomTable;
  readonly subjects: SubjectTable;
  readonly scans: ScanTable;
  readonly feeds: FeedTable;
  readonly matchings: MatchingTable;
  readonly flaws: FlawTable;
}

/** The open database, or a transaction in it. */
export type Database = Kysely<Tables>;
