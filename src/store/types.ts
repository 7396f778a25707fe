// SPDX-License-Identifier: Apache-2.0
import type { Report } from '#core';
import type { FeedName, Feeds, Finding, ScanGap, ScanReport } from '#vulnerabilities';
import type { ScanRecord, StoredImage } from './record.ts';

/** Which store, and what it needs of the outside. */
export interface StoreOptions {
  /** Oakum's data folder: scans wait in it, and without `url` the database lies in it. */
  readonly dataFolder: string;
  /** Of a PostgreSQL server. Its password is never shown. */
  readonly url?: string | undefined;
  readonly report: Report;
  /** How long to wait for another process that has the database in the data folder open; 30,000 ms by default. */
  readonly patienceMilliseconds?: number;
}

/** A finding, and since when it was known of in its subject. */
export type SeenFinding = Finding & { readonly firstSeen: Date };

/** What the store knows of a subject, in the form of a scan's report. */
export interface StoredReport extends Omit<ScanReport, 'findings'> {
  readonly findings: readonly SeenFinding[];
  readonly distribution: string | undefined;
  /** The image it is a platform of; of several revisions with the same bytes the newest. */
  readonly image: StoredImage | undefined;
  readonly firstScanned: Date;
  readonly lastScanned: Date;
}

/** Which subjects are meant. Without `revision` those of the newest revision of each line, and whatever is of no known revision. */
export interface SubjectFilter {
  readonly line?: string | undefined;
  readonly revision?: string | undefined;
  readonly components?: readonly string[] | undefined;
  readonly channels?: readonly string[] | undefined;
  readonly platforms?: readonly string[] | undefined;
  /** Only findings with one of these names, and only subjects that have such. */
  readonly names?: readonly string[] | undefined;
  /** Every revision, not the newest alone. */
  readonly allRevisions?: boolean | undefined;
}

/** A flaw in a package that a rescan found, no longer found, or found otherwise. */
export interface FlawChange {
  readonly kind: 'new' | 'changed' | 'gone';
  readonly name: string;
  readonly ids: readonly string[];
  readonly package: Pick<Finding['package'], 'ecosystem' | 'name' | 'version' | 'scope'>;
  readonly platform: string;
  /** How many subjects have it. */
  readonly subjects: number;
}

/**
 * What bringing the store up to date with the feeds did. `older`: the store was matched with feeds that are newer than those on
 * this machine, and was left as it is.
 */
export interface Refresh {
  readonly kind: 'current' | 'refreshed' | 'older';
  /** Packages by name that changed advisories speak of; `all` where the earlier feeds are no longer kept. */
  readonly changedPackages: number | 'all';
  /** SBOMs in the store, and those of them that name a changed package. */
  readonly sboms: number;
  readonly affectedSboms: number;
  /** Packages that were matched: each once, however many SBOMs hold it. */
  readonly matched: number;
  readonly changes: readonly FlawChange[];
  /** What the feeds on this machine can't tell of what is stored. */
  readonly gaps: readonly ScanGap[];
}

/** What the store holds. */
export interface StoreStatus {
  readonly where: string;
  readonly engine: string;
  readonly schema: string;
  readonly bytes: number;
  readonly counts: Readonly<
    Record<'revisions' | 'images' | 'subjects' | 'sboms' | 'packages' | 'scans' | 'flaws', number>
  >;
  /** Packages that were not looked up yet. */
  readonly pending: number;
  /** The feeds that all others are matched with. */
  readonly feeds: readonly { readonly name: FeedName; readonly digest: string; readonly fetchedAt: Date }[];
  /** Scans that were taken in when it was opened. */
  readonly taken: number;
}

/** The open store. */
export interface Store {
  status(): Promise<StoreStatus>;
  /** Matches what is new, and what changed feeds speak of. */
  refresh(feeds: Feeds, now: Date): Promise<Refresh>;
  /** Gives what is known of subjects, in the order of their names; `feeds` say what could not be checked. */
  reports(feeds: Feeds, filter?: SubjectFilter): Promise<readonly StoredReport[]>;
  /** Gives the images of the revisions that are meant. */
  images(filter?: SubjectFilter): Promise<readonly StoredImage[]>;
  /** Throws away all that is held and takes these instead; where that fails, what was held stays. */
  rebuild(records: readonly ScanRecord[], feeds: Feeds, now: Date): Promise<Refresh>;
}
