// SPDX-License-Identifier: Apache-2.0
// Feeds in memory that can change, and scans made with them.
import { digestOf } from '#core';
import type { EpssEntry, FeedName, FeedReading, Feeds, KevEntry, ScanPackage, ScanSubject } from '#vulnerabilities';
import { scan } from '#vulnerabilities';
import { type RecordedRelease, type ScanRecord, toScanRecord } from '../record.ts';

/** An OSV record of the Go database. */
export interface MadeAdvisory {
  readonly id: string;
  readonly aliases?: readonly string[];
  readonly summary?: string;
  readonly withdrawn?: string;
  readonly affected: readonly unknown[];
}

/** Gives an advisory about versions of a module before `fixed`. */
export function advisory(
  id: string,
  module: string,
  more: Partial<MadeAdvisory> & { readonly fixed?: string; readonly goos?: readonly string[] } = {},
): MadeAdvisory {
  const { fixed = '2.0.0', goos, ...rest } = more;
  return {
    id,
    summary: `a flaw in ${module}`,
    affected: [
      {
        package: { ecosystem: 'Go', name: module },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed }] }],
        ...(goos === undefined ? {} : { ecosystem_specific: { imports: [{ path: module, goos }] } }),
      },
    ],
    ...rest,
  };
}

/** Feeds whose Go database is one list of advisories, fetched at some time, and what came before it. */
export interface MadeFeeds {
  readonly feeds: Feeds;
  /** The modules that were asked for, each time. */
  readonly asked: readonly (readonly string[])[];
}

/** Gives feeds that hold these advisories; `before` is the snapshot that they are compared with. */
export function feedsOf(
  advisories: readonly MadeAdvisory[],
  { day = 1, before }: { readonly day?: number; readonly before?: readonly MadeAdvisory[] } = {},
): MadeFeeds {
  const asked: (readonly string[])[] = [];
  const reading: FeedReading = {
    name: 'go',
    state: 'fresh',
    maxAgeDays: 7,
    digest: digestOf(JSON.stringify(advisories)),
    fetchedAt: new Date(Date.UTC(2026, 7, day)),
    ecosystems: ['Go'],
  };
  const feeds: Feeds = {
    status: async () => [reading, { ...reading, name: 'osv' as FeedName }],
    advisories: async (_ecosystem, packages) => {
      asked.push([...packages].sort());
      return advisories.filter((one) => modulesOf(one).some((module) => packages.has(module)));
    },
    advisoriesById: async () => [],
    changedSince: async (_name, digest) => {
      if (before === undefined || digestOf(JSON.stringify(before)) !== digest) return undefined;
      const changed = [...advisories, ...before].filter((one) => !has(before, one) || !has(advisories, one));
      return new Map([['Go', new Set(changed.flatMap(modulesOf))]]);
    },
    kev: async () => new Map<string, KevEntry>(),
    epss: async (cves) => new Map([...cves].map((cve) => [cve, { cve, score: 0.5 } as EpssEntry])),
    ssvc: async () => new Map(),
    lifeCycles: async () => undefined,
  };
  return { feeds, asked };
}

function has(advisories: readonly MadeAdvisory[], wanted: MadeAdvisory): boolean {
  return advisories.some((one) => JSON.stringify(one) === JSON.stringify(wanted));
}

function modulesOf({ affected }: MadeAdvisory): readonly string[] {
  return affected.map((one) => (one as { readonly package: { readonly name: string } }).package.name);
}

/** Gives a Go module as a package; `name@version`. */
export function module(text: string): ScanPackage {
  const [name = '', version = ''] = text.split('@');
  const purl = `pkg:golang/${name}@${version}`;
  return { ecosystem: 'Go', name, version, scope: 'image', occurrences: [{ name, version, purl }] };
}

/** Gives a subject that holds these modules. */
export function subject(target: string, modules: readonly string[], more: Partial<ScanSubject> = {}): ScanSubject {
  return { target, kind: 'sbom', basis: 'an SBOM', packages: modules.map(module), gaps: [], ...more };
}

/** Gives the record of a scan of subjects. */
export async function scanned(
  subjects: readonly ScanSubject[],
  { feeds }: MadeFeeds,
  { now = new Date('2026-08-02T00:00:00Z'), releases = [] }: { readonly now?: Date; readonly releases?: readonly RecordedRelease[] } = {},
): Promise<ScanRecord> {
  return toScanRecord(await scan(subjects, { feeds, now }), subjects, releases);
}
