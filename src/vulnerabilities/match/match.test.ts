// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { indexAdvisories, matchPackages, type ScanPackage, toAdvisory } from '#vulnerabilities';
import { modulePackage } from '../subjects/go-packages.ts';

const range = (fixed?: string, type = 'SEMVER') => [
  { type, events: [{ introduced: '0' }, ...(fixed === undefined ? [] : [{ fixed }])] },
];
const advisory = (id: string, fixed: string | undefined, more: object = {}, entry: object = {}) =>
  toAdvisory({
    id,
    modified: '2026-01-01T00:00:00Z',
    affected: [{ package: { ecosystem: 'Go', name: 'example.com/m' }, ranges: range(fixed), ...entry }],
    ...more,
  });
const module = (version: string, path = 'example.com/m') => modulePackage({ path, version });

function match(
  packages: readonly ScanPackage[],
  advisories: readonly ReturnType<typeof toAdvisory>[],
  platform?: string,
) {
  return matchPackages(packages, indexAdvisories(advisories), platform === undefined ? {} : { platform });
}

describe('matching', () => {
  test('makes one finding of all advisories that share a name, however far apart', () => {
    const { findings } = match(
      [module('v1.0.0')],
      [
        advisory('GHSA-aaaa-bbbb-cccc', '1.2.0', { aliases: ['CVE-2026-1'] }),
        advisory('GO-2026-0001', '1.1.0', { aliases: ['CVE-2026-1', 'CVE-2026-2'] }),
        advisory('OTHER-1', '1.3.0', { aliases: ['CVE-2026-2'] }),
        advisory('GO-2026-0009', '1.4.0', { related: ['GO-2026-0001'] }),
      ],
    );
    expect(findings.map(({ id, ids, fix }) => ({ id, ids, fix }))).toEqual([
      {
        id: 'GO-2026-0001',
        ids: ['GO-2026-0001', 'CVE-2026-1', 'CVE-2026-2', 'GHSA-aaaa-bbbb-cccc', 'OTHER-1'],
        fix: '1.3.0',
      },
      { id: 'GO-2026-0009', ids: ['GO-2026-0009'], fix: '1.4.0' },
    ]);
  });

  test('tells why: what was looked up, which range of which feed decided, and who disagrees', () => {
    const [finding] = match(
      [module('v1.0.0')],
      [
        advisory('GO-2026-0001', '1.1.0', { aliases: ['CVE-2026-1'] }),
        advisory('GHSA-aaaa-bbbb-cccc', '0.9.0', { aliases: ['CVE-2026-1'] }),
        advisory('CVE-2026-1', undefined, { withdrawn: '2026-02-01T00:00:00Z' }),
      ],
    ).findings;
    expect(finding?.matches).toEqual([
      {
        advisory: 'GO-2026-0001',
        feed: 'go',
        modified: '2026-01-01T00:00:00Z',
        searched: { ecosystem: 'Go', name: 'example.com/m', version: 'v1.0.0' },
        decision: { kind: 'range', type: 'SEMVER', introduced: '0', until: { kind: 'fixed', version: '1.1.0' } },
        fix: '1.1.0',
        imports: [],
        notes: {},
      },
    ]);
    expect(finding?.dissent).toEqual([
      { advisory: 'GHSA-aaaa-bbbb-cccc', reason: 'it does not touch this version' },
      { advisory: 'CVE-2026-1', reason: 'it is withdrawn' },
    ]);
  });

  test('names no fix that another source says is affected', () => {
    const { findings } = match(
      [module('v1.0.0')],
      [advisory('GO-2026-0001', '1.1.0', { aliases: ['CVE-1'] }), advisory('CVE-1', undefined)],
    );
    expect(findings.map((finding) => finding.fix)).toEqual([undefined]);
  });

  test('sets aside what is withdrawn or concerns other systems, with the reason', () => {
    const windows = { ecosystem_specific: { imports: [{ path: 'example.com/m/w', goos: ['windows'] }] } };
    const withdrawn = advisory('GO-2026-0002', undefined, { withdrawn: '2026-02-01T00:00:00Z' });
    const other = advisory('GO-2026-0003', undefined, {}, windows);
    const { findings, setAside, gaps } = match([module('v1.0.0')], [withdrawn, other], 'linux/amd64');
    expect({ findings, gaps }).toEqual({ findings: [], gaps: [] });
    expect(setAside.map(({ ids, reason }) => [ids[0], reason])).toEqual([
      ['GO-2026-0002', 'withdrawn'],
      ['GO-2026-0003', 'it concerns windows only'],
    ]);
    expect(match([module('v1.0.0')], [other]).findings).toHaveLength(1);
  });

  test('does not pass over an advisory whose range cannot be', () => {
    const { findings, gaps } = match(
      [module('v1.0.0')],
      [advisory('GO-2026-0004', undefined, {}, { ranges: [{ type: 'SEMVER', events: [{ fixed: '2.0.0' }] }] })],
    );
    expect(findings).toEqual([]);
    expect(gaps).toEqual([{ what: 'example.com/m v1.0.0: GO-2026-0004', reason: 'a range has no introduced event' }]);
  });

  test('says so where a version is not known, if an advisory names the package', () => {
    const bad = [module('(devel)'), module(''), module('v0.0.0-00010101000000-000000000000'), module('garbage')];
    const { findings, gaps } = match(bad, [advisory('GO-2026-0001', '1.1.0')]);
    expect(findings).toEqual([]);
    expect(gaps.map((gap) => gap.what)).toEqual(Array(4).fill('example.com/m'));
    expect(match([module('(devel)', 'example.com/other')], [advisory('GO-2026-0001', '1.1.0')]).gaps).toEqual([]);
  });

  test('matches the standard library and the toolchain by the release of Go, however it is written', () => {
    const go = (name: string, fixed: string) =>
      advisory(`GO-${name}`, undefined, {
        affected: [{ package: { ecosystem: 'Go', name }, ranges: range(fixed) }],
      });
    const advisories = [go('stdlib', '1.27.4'), go('toolchain', '1.27.0-rc.2')];
    const versions = [
      'go1.27.3',
      'v1.27.3',
      '1.27.3',
      'go1.27.3 X:boringcrypto',
      'go1.27.3-X:nojsonv2',
      'go1.27rc1',
      'v1.27.0-rc.1',
      '1.27',
    ];
    for (const version of versions)
      expect(match([module(version, 'stdlib')], advisories).findings, version).toHaveLength(1);
    expect(match([module('go1.27.4', 'stdlib')], advisories).findings).toHaveLength(0);
    expect(match([module('devel go1.28-abcdef', 'stdlib')], advisories).gaps).toHaveLength(1);
    const compiler = (version: string) =>
      match([module(`v0.0.1-${version}.linux-amd64`, 'golang.org/toolchain')], advisories).findings;
    expect(compiler('go1.27rc1')[0]?.package).toEqual({
      ecosystem: 'Go',
      name: 'toolchain',
      version: '1.27.0-rc.1',
      scope: 'build',
    });
    expect(compiler('go1.27.3')).toEqual([]);
  });

  test("keeps a distribution's findings of one flaw apart by package", () => {
    const debian = (name: string) =>
      toAdvisory({
        id: 'DEBIAN-CVE-2026-5',
        upstream: ['CVE-2026-5'],
        affected: [
          {
            package: { ecosystem: 'Debian:13', name },
            ranges: range(undefined, 'ECOSYSTEM'),
            ecosystem_specific: { status: 'open', urgency: 'unimportant', nodsa: 'Minor issue' },
          },
        ],
      });
    const one = (name: string): ScanPackage => ({
      ecosystem: 'Debian:13',
      name,
      version: '1.0-1',
      scope: 'image',
      occurrences: [],
    });
    const { findings } = match([one('openssl'), one('nss')], [debian('openssl'), debian('nss')]);
    expect(findings.map(({ id, package: { name } }) => [id, name])).toEqual([
      ['CVE-2026-5', 'nss'],
      ['CVE-2026-5', 'openssl'],
    ]);
    expect(findings[0]?.matches[0]).toMatchObject({ feed: 'debian', notes: { urgency: 'unimportant' } });
    expect(findings[0]?.severity).toEqual({ rating: 'unknown' });
  });
});
