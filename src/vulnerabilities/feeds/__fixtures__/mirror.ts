// SPDX-License-Identifier: Apache-2.0
// Small feeds of our own making, in the layout of a mirror.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildZip } from '#testing';

/** The day on which the made feeds were made. */
export const TODAY = '2026-08-21T12:00:00Z';

/** The files of a mirror by their paths. */
export type MirrorFiles = Readonly<Record<string, Uint8Array | string>>;

/** Gives an OSV record of the Go database. */
export function goAdvisory(number: number, options: { readonly modified?: string; readonly module?: string } = {}) {
  return {
    schema_version: '1.3.1',
    id: `GO-2026-${String(number).padStart(4, '0')}`,
    modified: options.modified ?? '2026-08-01T00:00:00Z',
    published: '2026-07-01T00:00:00Z',
    aliases: [`CVE-2026-${10_000 + number}`],
    affected: [
      {
        package: { ecosystem: 'Go', name: options.module ?? `example.com/m${number}` },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.2.3' }] }],
      },
    ],
  };
}

/** Any record with an id and a time of change. */
export interface MadeAdvisory {
  readonly id: string;
  readonly modified: string;
}

/** Gives the Go database in its served layout, without the folder it lies in. */
export function goDatabase(advisories: readonly MadeAdvisory[], modified = '2026-08-20T00:00:00Z'): MirrorFiles {
  const index = advisories.map(({ id, modified: at }) => ({ id, modified: at }));
  return {
    'index/db.json': JSON.stringify({ modified }),
    'index/vulns.json': JSON.stringify(index),
    ...Object.fromEntries(advisories.map((advisory) => [`ID/${advisory.id}.json`, JSON.stringify(advisory)])),
  };
}

/** Gives files as a zip. */
export function zipOf(files: MirrorFiles): Buffer {
  return buildZip(Object.entries(files).map(([name, content]) => ({ name, content })));
}

/** Gives files below a folder. */
export function below(folder: string, files: MirrorFiles): MirrorFiles {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));
}

/** Gives CISA's catalog with entries for these CVEs. */
export function kevCatalog(cves: readonly string[], released = '2026-08-20T16:00:00.0Z') {
  return {
    title: 'made',
    catalogVersion: '2026.08.20',
    dateReleased: released,
    count: cves.length,
    vulnerabilities: cves.map((cveID) => ({
      cveID,
      vendorProject: 'v',
      product: 'p',
      vulnerabilityName: `name of ${cveID}`,
      dateAdded: '2026-08-01',
      shortDescription: '',
      requiredAction: 'update',
      dueDate: '2026-08-22',
      knownRansomwareCampaignUse: 'Unknown',
      notes: '',
    })),
  };
}

/** Gives ten CVE ids. */
export const CVES = Array.from({ length: 10 }, (_, index) => `CVE-2026-${1000 + index}`);

/** Gives EPSS's file for rows `cve,epss,percentile`. */
export function epssCsv(rows: readonly string[], date = '2026-08-20'): Buffer {
  const head = `#model_version:v2026.01.01,score_date:${date}T00:00:00+0000\ncve,epss,percentile\n`;
  return gzipSync(head + rows.map((row) => `${row}\n`).join(''));
}

/** Gives one file of Alpine's database. */
export function secdb(branch: string, repository: string, packages: Readonly<Record<string, Record<string, string[]>>>) {
  return JSON.stringify({
    distroversion: branch,
    reponame: repository,
    packages: Object.entries(packages).map(([name, secfixes]) => ({ pkg: { name, secfixes } })),
  });
}

/** One package of Debian's tracker with one issue. */
export const TRACKER = {
  glibc: {
    'CVE-2026-0001': {
      description: 'a } in "a" text \\',
      scope: 'remote',
      debianbug: 12,
      releases: {
        bookworm: { status: 'resolved', repositories: { bookworm: '2.36-9' }, fixed_version: '2.36-9+deb12u1', urgency: 'low' },
        trixie: { status: 'open', repositories: {}, urgency: 'not yet assigned', nodsa: 'Minor issue', nodsa_reason: '' },
        forky: { status: 'resolved', repositories: {}, fixed_version: '0', urgency: 'unimportant' },
        sid: { status: 'resolved', repositories: {}, fixed_version: '2.41-1', urgency: 'low' },
      },
    },
    'TEMP-0000000-ABCDEF': { releases: { trixie: { status: 'undetermined', repositories: {}, urgency: 'unimportant' } } },
  },
  openssl: {
    'CVE-2026-0001': { releases: { trixie: { status: 'resolved', fixed_version: '3.5.1-1+deb13u1', urgency: 'high' } } },
  },
};

/** Gives endoflife.date's API files for the products that must be there. */
export function lifeCycles(): MirrorFiles {
  const api = JSON.stringify([{ cycle: '1.27', releaseDate: '2026-08-19', eol: false, latest: '1.27.0' }]);
  const alpine = JSON.stringify([
    { cycle: '3.24', eol: '2028-06-01' },
    { cycle: '3.21', eol: '2026-11-01' },
    { cycle: '3.20', eol: '2026-04-01' },
  ]);
  const page = '---\ntitle: Flux\nreleases:\n  - releaseCycle: "2.9"\n    releaseDate: 2026-06-30\n    eol: false\n    eoas: 2027-01-01\n---\ntext\n';
  return {
    'endoflife/go.json': api,
    'endoflife/alpine-linux.json': alpine,
    'endoflife/debian.json': JSON.stringify([{ cycle: '13', codename: 'Trixie', eol: '2028-08-09', extendedSupport: '2030-06-30' }]),
    'endoflife/kubernetes.json': api,
    'endoflife/flux.md': page,
  };
}

/** Gives a record of Vulnrichment. */
export function vulnrichment(cve: string, options: readonly Record<string, string>[] | undefined): string {
  const other = { type: 'ssvc', content: { id: cve, role: 'CISA Coordinator', version: '2.0.3', timestamp: '2026-08-01T00:00:00Z', options } };
  const adp = options === undefined ? [] : [{ title: 'CISA ADP Vulnrichment', metrics: [{ other }] }];
  return JSON.stringify({ dataType: 'CVE_RECORD', cveMetadata: { cveId: cve }, containers: { cna: {}, adp } });
}

/** Gives a whole mirror, every feed small and good. */
export function goodMirror(): MirrorFiles {
  const osv = { ...goAdvisory(900, { module: 'github.com/fluxcd/source-controller' }), id: 'GHSA-aaaa-bbbb-cccc' };
  return {
    ...below('go-vulndb', goDatabase([1, 2, 3, 4, 5].map((number) => goAdvisory(number)))),
    'osv/Go/all.zip': zipOf({ [`${osv.id}.json`]: JSON.stringify(osv) }),
    'debian-tracker.json': JSON.stringify(TRACKER),
    'alpine-secdb/v3.21/main.json': secdb('v3.21', 'main', { musl: { '1.2.5-r9': ['CVE-2025-26519'] } }),
    'alpine-secdb/v3.21/community.json': secdb('v3.21', 'community', { go: { '1.23.5-r0': ['CVE-2024-45341'] } }),
    'kev/known_exploited_vulnerabilities.json': JSON.stringify(kevCatalog(CVES)),
    'epss_scores-current.csv.gz': epssCsv(CVES.map((cve, index) => `${cve},0.0${index + 1}000,0.${index}5000`)),
    'ssvc/vulnrichment.zip': zipOf({
      'vulnrichment-develop/2026/1xxx/CVE-2026-1000.json': vulnrichment('CVE-2026-1000', [
        { Exploitation: 'active' },
        { Automatable: 'yes' },
        { 'Technical Impact': 'total' },
      ]),
      'vulnrichment-develop/2026/1xxx/CVE-2026-1001.json': vulnrichment('CVE-2026-1001', undefined),
      'vulnrichment-develop/README.md': 'words',
    }),
    ...lifeCycles(),
  };
}

/** Writes a mirror into a folder. */
export async function writeMirror(folder: string, files: MirrorFiles): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
