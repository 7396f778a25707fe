// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Http } from '#core';
import { createTestClock } from '#testing';
import {
  type FeedName,
  type Feeds,
  openFeeds,
  sbomSubject,
  scan,
  toAdvisory,
  updateFeeds,
  verdictOf,
} from '#vulnerabilities';

/** Real feeds lie beside the checkout, where the machine has them. */
const SHARED = resolve(import.meta.dirname, '../../../shared/feeds');
const NOW = new Date('2026-08-21T21:00:00Z');

/** Modules of source-controller v1.9.3 that the database of August 2026 names, each with what govulncheck and osv-scanner find. */
const KNOWN: readonly (readonly [module: string, version: string, findings: readonly string[]])[] = [
  ['github.com/klauspost/compress', 'v1.18.6', ['GO-2026-5841 fixed 1.18.7']],
  ['golang.org/x/mod', 'v0.36.0', ['GO-2026-6179 fixed 0.40.0', 'GO-2026-6180 fixed 0.40.0']],
  ['github.com/go-git/go-git/v5', 'v5.19.1', ['GO-2026-6213 fixed 5.19.2', 'GO-2026-6214 fixed 5.19.2']],
  ['github.com/sigstore/sigstore-go', 'v1.2.0', ['GO-2026-6162 fixed 1.2.1']],
  ['google.golang.org/grpc', 'v1.81.1', ['GO-2026-6061 fixed 1.82.1']],
  ['golang.org/x/text', 'v0.38.0', ['GO-2026-5970 fixed 0.39.0']],
  ['github.com/sigstore/fulcio', 'v1.8.5', ['GO-2026-5853 fixed 1.8.6']],
  ['oras.land/oras-go/v2', 'v2.6.1', ['GO-2026-5880 fixed 2.6.2']],
  ['golang.org/x/crypto', 'v0.53.0', ['GO-2026-5932 fixed never']],
  [
    'github.com/chrismellard/docker-credential-acr-env',
    'v0.0.0-20230304212654-82a0ddb27589',
    ['GO-2026-6225 fixed never'],
  ],
  ['k8s.io/client-go', 'v0.36.2', []],
  ['stdlib', 'v1.27.3', []],
];

/** The tracker's own form (https://security-tracker.debian.org/tracker/data/json), with one issue of each kind. */
const TRACKER = {
  openssl: {
    'CVE-2026-0001': {
      description: 'fixed in trixie',
      scope: 'remote',
      releases: {
        bookworm: { status: 'open', repositories: { bookworm: '3.0.17-1~deb12u2' }, urgency: 'not yet assigned' },
        trixie: {
          status: 'resolved',
          repositories: { trixie: '3.5.1-1+deb13u1' },
          fixed_version: '3.5.1-1+deb13u1',
          urgency: 'medium',
        },
      },
    },
    'CVE-2026-0002': {
      releases: {
        trixie: { status: 'open', repositories: {}, urgency: 'unimportant', nodsa: 'Minor issue', nodsa_reason: '' },
      },
    },
    'CVE-2026-0003': { releases: { trixie: { status: 'resolved', fixed_version: '0', urgency: 'high' } } },
  },
  shadow: { 'TEMP-0000000-AAAAAA': { releases: { trixie: { status: 'open', urgency: 'low' } } } },
};

const component = (name: string, purl: string) => ({ type: 'library', name, purl });
const sbomOf = (components: readonly object[]) =>
  sbomSubject(Buffer.from(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', components })), 'sbom');

const noHttp: Http = () => Promise.reject(new Error('no network'));

describe('a scan with feeds on disk', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-real-feeds-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const update = async (mirror: string, only: readonly FeedName[]): Promise<Feeds> => {
    const clock = createTestClock(NOW.toISOString());
    const sources = { mirror, osvEcosystems: [], osvIds: [], alpineBranches: [] };
    const updates = await updateFeeds({
      http: noHttp,
      clock,
      folder,
      sources,
      only,
      accept: [],
      report: () => undefined,
    });
    expect(updates.map(({ reading }) => reading.state)).toEqual(only.map(() => 'fresh'));
    return openFeeds({ folder, clock });
  };

  test("takes Debian's tracker by source package, release and fixed version", async () => {
    const mirror = join(folder, 'mirror');
    await mkdir(mirror);
    await writeFile(join(mirror, 'debian-tracker.json'), JSON.stringify(TRACKER));
    const feeds = await update(mirror, ['debian']);
    const found = async (distro: string, version: string) => {
      const purl = `pkg:deb/debian/libssl3t64@${encodeURIComponent(version)}?distro=${distro}&upstream=openssl`;
      const { reports } = await scan([sbomOf([component('libssl3t64', purl)])], { feeds, now: NOW });
      expect(reports[0]?.gaps).toEqual([]);
      return reports[0]?.findings.map(({ id, fix }) => `${id} ${fix ?? '-'}`);
    };
    expect(await found('debian-13', '3.5.1-1')).toEqual(['CVE-2026-0001 3.5.1-1+deb13u1', 'CVE-2026-0002 -']);
    expect(await found('debian-13', '3.5.1-1+deb13u1')).toEqual(['CVE-2026-0002 -']);
    expect(await found('debian-12', '3.0.17-1~deb12u2')).toEqual(['CVE-2026-0001 -']);
    const shadow = component('login', 'pkg:deb/debian/login@1%3A4.16.0-2%2Bb1?distro=debian-13&upstream=shadow');
    const [report] = (await scan([sbomOf([shadow])], { feeds, now: NOW })).reports;
    expect(report?.findings[0]?.ids).toEqual(['TEMP-0000000-AAAAAA', 'DEBIAN-TEMP-0000000-AAAAAA']);
    expect(report?.findings[0]?.severity).toEqual({ rating: 'unknown' });
  });

  test.skipIf(!existsSync(SHARED))('finds what govulncheck and osv-scanner find in a real image', async () => {
    const feeds = await update(SHARED, ['go']);
    const subject = sbomOf(KNOWN.map(([name, version]) => component(name, `pkg:golang/${name}@${version}`)));
    const result = await scan([subject], { feeds, now: NOW });
    const found = result.reports.flatMap(({ findings }) =>
      findings.map(({ id, fix, package: { name } }) => `${name}: ${id} fixed ${fix ?? 'never'}`),
    );
    const expected = KNOWN.flatMap(([name, , findings]) => findings.map((finding) => `${name}: ${finding}`));
    expect(found.toSorted()).toEqual(expected.toSorted());
    expect(verdictOf(result)).toBe('findings');
    expect(result.reports[0]?.gaps.map((gap) => gap.feed)).toEqual(['osv']);
  });

  test.skipIf(!existsSync(SHARED))('finds the same where it leaves out what no advisory speaks of', async () => {
    const feeds = await update(SHARED, ['go']);
    const names = new Set(KNOWN.flatMap(([name]) => (name === 'stdlib' ? [] : [name])));
    const about = (await feeds.advisories('Go', names)).map(toAdvisory).flatMap(({ affected }) => affected);
    const places = new Set(
      about.flatMap(({ name, ranges }) =>
        ranges.flatMap(({ events }) =>
          events.flatMap(({ version }) => {
            const later = version.replace(/^(\d+\.\d+\.)(\d+).*$/, (_, head, patch) => `${head}${Number(patch) + 1}`);
            return [version, later].map((one) => `${name}@v${one}`);
          }),
        ),
      ),
    );
    const subjects = [...places].map((place) => sbomOf([component(place.split('@')[0] ?? '', `pkg:golang/${place}`)]));
    expect(subjects.length).toBeGreaterThan(100);
    const all: Feeds = { ...feeds, advisories: (ecosystem, packages) => feeds.advisories(ecosystem, packages) };
    const wanted = await scan(subjects, { feeds: all, now: NOW });
    for (const [at, subject] of subjects.entries())
      expect((await scan([subject], { feeds, now: NOW })).reports[0]).toEqual(wanted.reports[at]);
    const clean = wanted.reports.filter(({ findings }) => findings.length === 0);
    expect(clean.length).toBeGreaterThan(20);
  });

  test.skipIf(!existsSync(SHARED))('can read every advisory of the Go vulnerability database', async () => {
    const feeds = await update(SHARED, ['go']);
    const ids = Array.from({ length: 7000 }, (_, index) => index + 1);
    const years = [2020, 2021, 2022, 2023, 2024, 2025, 2026];
    const names = years.flatMap((year) => ids.map((id) => `GO-${year}-${String(id).padStart(4, '0')}`));
    const advisories = (await feeds.advisoriesById(new Set(names))).map(toAdvisory);
    expect(advisories).toHaveLength(4291);
    expect(advisories.flatMap(({ affected }) => affected.flatMap(({ faults }) => faults))).toEqual([]);
  });
});
