// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { contentPackages } from './image-content.ts';

type Content = Parameters<typeof contentPackages>[0];

const content = (change: Partial<Content>): Content => ({
  packages: [],
  apks: [],
  rpms: [],
  programs: new Map(),
  release: new Map(),
  hiddenLists: new Map(),
  unreadLists: new Map(),
  ...change,
});
const release = (id: string, version: string) =>
  new Map([
    ['ID', id],
    ['VERSION_ID', version],
  ]);
const dpkg = (name: string, version: string, source: string, sourceVersion = version) => ({
  name,
  version,
  architecture: 'amd64',
  source: { name: source, version: sourceVersion },
});
const apk = (name: string, version: string, origin: string) => ({
  name,
  version,
  architecture: 'x86_64',
  origin,
  licence: '',
  maintainer: '',
  homepage: '',
  commit: '',
  paths: [],
});
const named = (change: Partial<Content>) =>
  contentPackages(content(change)).packages.map(({ ecosystem, name, version }) => `${ecosystem} ${name} ${version}`);

describe('an image without an SBOM', () => {
  it("is scanned by Debian's source packages and their versions", () => {
    const packages = [
      dpkg('libssl3t64', '3.5.1-1+b2', 'openssl', '3.5.1-1'),
      dpkg('openssl', '3.5.1-1', 'openssl'),
      dpkg('login', '1:4.16.0-2', 'shadow'),
    ];
    expect(named({ packages, release: release('debian', '13') })).toEqual([
      'Debian:13 openssl 3.5.1-1',
      'Debian:13 shadow 1:4.16.0-2',
    ]);
    const { packages: found, gaps } = contentPackages(content({ packages, release: release('debian', '13') }));
    expect(gaps).toEqual([]);
    expect(found[0]?.occurrences.map(({ name, how }) => [name, how])).toEqual([
      ['libssl3t64', 'built from the source package openssl 3.5.1-1'],
      ['openssl', undefined],
    ]);
  });

  it("is scanned by Alpine's origins, in the branch that os-release names", () => {
    const apks = [apk('libcrypto3', '3.5.4-r0', 'openssl'), apk('busybox', '1.37.0-r27', 'busybox')];
    expect(named({ apks, release: release('alpine', '3.23.0') })).toEqual([
      'Alpine:v3.23 busybox 1.37.0-r27',
      'Alpine:v3.23 openssl 3.5.4-r0',
    ]);
    expect(named({ apks, release: release('alpine', '3.24.0_alpha20261001') })[0]).toMatch(/^Alpine:edge /);
  });

  it('says which packages no feed covers', () => {
    const of = (change: Partial<Content>) => contentPackages(content(change)).gaps;
    const packages = [dpkg('bash', '5.2', 'bash')];
    const apks = [apk('a', '1-r0', 'a')];
    expect(of({ packages, release: release('ubuntu', '24.04') })).toEqual([
      { what: '1 Debian packages', reason: 'no feed covers ubuntu 24.04' },
    ]);
    expect(of({ apks, release: release('wolfi', '20230201') })).toEqual([
      { what: '1 Alpine packages', reason: 'no feed covers wolfi 20230201' },
    ]);
    expect(of({ packages })).toEqual([{ what: '1 Debian packages', reason: 'no feed covers an unnamed distribution' }]);
    expect(of({ apks, packages, release: release('debian', '13') })).toEqual([
      { what: '1 Alpine packages', reason: 'no feed covers debian 13' },
    ]);
    expect(of({ release: release('fedora', '44') })).toEqual([
      { what: 'packages of fedora 44', reason: 'its layers hold no list of them that is known' },
    ]);
    expect(of({})).toEqual([{ what: 'the whole image', reason: 'no package was found in its layers' }]);
  });

  it('says what a link hides', () => {
    const hiddenLists = new Map([['var/lib/dpkg', '../evil']]);
    expect(contentPackages(content({ hiddenLists })).gaps).toEqual([
      { what: 'packages listed in /var/lib/dpkg', reason: 'it is a link to "../evil", which was not read' },
    ]);
  });
});
