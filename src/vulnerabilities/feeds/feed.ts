// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';

/** Every feed Oakum reads, in the order they are shown. */
export const FEED_NAMES = ['go', 'osv', 'debian', 'alpine', 'kev', 'epss', 'ssvc', 'endoflife'] as const;

/** A feed's name. */
export type FeedName = (typeof FEED_NAMES)[number];

/**
 * How a feed stands. `fresh`: held, and young enough. `stale`: held, but too old. `faulty`: the last update failed
 * (unreachable, invalid, shrunk ...) and the last good copy is kept and in use. `missing`: nothing is held, so nothing can
 * be said from it. Whatever is not `fresh` carries a reason.
 */
export type FeedState = 'fresh' | 'stale' | 'missing' | 'faulty';

/** What is known of one feed; a result names the digests of those it was made from. */
export interface FeedReading {
  readonly name: FeedName;
  readonly state: FeedState;
  readonly reason?: string;
  /** When what is held was fetched; `checkedAt` is when it was last seen to be unchanged. */
  readonly fetchedAt?: Date;
  readonly checkedAt?: Date;
  /** The date that the feed itself states, or its server for it. */
  readonly asOf?: Date;
  /** Of the stored form: the same content has the same digest, however it was fetched. */
  readonly digest?: Digest;
  /** Advisories, or entries. */
  readonly count?: number;
  /** Where it came from, without credentials. */
  readonly source?: string;
  /** OSV ecosystems held, like `Go`, `Debian:13`, `Alpine:v3.21`; one not listed here could not be checked. */
  readonly ecosystems?: readonly string[];
  /** The age from which it counts as too old. */
  readonly maxAgeDays: number;
}

/** One entry of CISA's catalog of known exploited vulnerabilities. Dates are `YYYY-MM-DD`. */
export interface KevEntry {
  readonly cve: string;
  readonly name: string;
  readonly dateAdded: string;
  readonly dueDate: string;
  readonly requiredAction: string;
  readonly knownRansomwareUse: string;
  readonly notes: string;
}

/** FIRST's estimate that a CVE is exploited within 30 days, both from 0 to 1. */
export interface EpssEntry {
  readonly cve: string;
  readonly score: number;
  readonly percentile: number;
  /** The day of the score, `YYYY-MM-DD`. */
  readonly date: string;
}

/** CISA's decision points for a CVE (Vulnrichment): `none|poc|active`, `yes|no`, `partial|total`. */
export interface SsvcEntry {
  readonly cve: string;
  readonly exploitation: string;
  readonly automatable: string;
  readonly technicalImpact: string;
  readonly timestamp: string;
}

/** One release cycle of a product as endoflife.date has it. Dates are `YYYY-MM-DD`; `true` and `false` where it names none. */
export interface LifeCycle {
  readonly cycle: string;
  readonly codename?: string;
  readonly released?: string;
  readonly support?: string | boolean;
  readonly endOfLife?: string | boolean;
  readonly extendedSupport?: string | boolean;
  readonly latest?: string;
  readonly latestReleased?: string;
}

/** The feeds as they lie on disk. Reading asks no network. Damaged files throw `FEED_DAMAGED`. */
export interface Feeds {
  /** Every feed, whether held or not. */
  status(): Promise<readonly FeedReading[]>;
  /**
   * The advisories of an ecosystem (`Go`, `Debian:13`, `Alpine:v3.21`) that name one of these packages, as OSV JSON, each
   * feed's record of the same id once (the newest `modified` wins), in the order of their ids. Debian's and Alpine's
   * packages are source packages; their advisories are made per package and release, with ids like osv.dev's
   * (`DEBIAN-CVE-2024-1`, `ALPINE-CVE-2024-1`) and the CVE in `upstream`, so an id can come once per package.
   * Where `versions` tells all versions of a package that are of interest, and every feed knows that none of its advisories says
   * anything of them, those are not read: for most packages of most images.
   */
  advisories(
    ecosystem: string,
    packages: ReadonlySet<string>,
    versions?: ReadonlyMap<string, readonly (string | undefined)[]>,
  ): Promise<readonly unknown[]>;
  /** The advisories of all ecosystems with one of these ids, aliases or upstream ids. */
  advisoriesById(ids: ReadonlySet<string>): Promise<readonly unknown[]>;
  /**
   * The packages, by ecosystem, whose advisories in a feed differ from those of an earlier snapshot; undefined where that
   * snapshot is no longer kept (the one before the current is), and then anything may have changed. Compares lengths and
   * CRC-32 of the stored records, and may name a package too many, never one too few.
   */
  changedSince(name: FeedName, digest: Digest): Promise<ReadonlyMap<string, ReadonlySet<string>> | undefined>;
  kev(cves: ReadonlySet<string>): Promise<ReadonlyMap<string, KevEntry>>;
  epss(cves: ReadonlySet<string>): Promise<ReadonlyMap<string, EpssEntry>>;
  ssvc(cves: ReadonlySet<string>): Promise<ReadonlyMap<string, SsvcEntry>>;
  /** The cycles of a product (`go`, `alpine-linux`, `debian`, `kubernetes`, `flux` ...); undefined where the feed lacks it. */
  lifeCycles(product: string): Promise<readonly LifeCycle[] | undefined>;
}
