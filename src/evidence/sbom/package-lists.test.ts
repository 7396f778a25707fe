// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apkPackages, dpkgPackages, hidesList, isListed, releaseFields } from './package-lists.ts';

const STATUS = '/var/lib/dpkg/status';
const dpkg = (text: string, path = 'var/lib/dpkg/status') => dpkgPackages(new Map([[path, text]]));

describe('the lists of packages in an image', () => {
  it.skipIf(!existsSync(STATUS))('are read as dpkg itself reads them', () => {
    const format = '${db:Status-Status}|${Package}|${Version}|${Architecture}|${source:Package}|${source:Version}\\n';
    const told = execFileSync('dpkg-query', ['-W', `-f=${format}`], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const present = told.filter((line) => !/^(?:not-installed|config-files)\|/.test(line));
    const read = dpkg(readFileSync(STATUS, 'utf8')).map(({ name, version, architecture, source }) =>
      [name, version, architecture, source.name, source.version].join('|'),
    );
    // dpkg leaves the mark of a rebuild in the source's version where the list names no other.
    const expected = present.map((line) => line.slice(line.indexOf('|') + 1).replace(/\+b\d+$/, ''));
    expect(read.toSorted()).toEqual(expected.toSorted());
  });

  it('name the source package, and its version where it has its own', () => {
    const sources = [
      ['Package: a\nVersion: 1:2-3+b1\n', 'a 1:2-3'],
      ['Package: libssl3t64\nSource: openssl\nVersion: 3.5.1-1+b2\n', 'openssl 3.5.1-1'],
      ['Package: libgcc-s1\nSource: gcc-14 (14.2.0-19)\nVersion: 14.2.0-19+b4\n', 'gcc-14 14.2.0-19'],
      ['Package: x\nSource: y (1:4.0)\nVersion: 4.1\n', 'y 1:4.0'],
    ] as const;
    for (const [text, source] of sources)
      expect(dpkg(text).map((one) => `${one.source.name} ${one.source.version}`)).toEqual([source]);
  });

  it('leave out what is removed, and keep what is unpacked only', () => {
    const of = (status: string) => `Package: p\nStatus: ${status}\nVersion: 1\n`;
    expect(dpkg(of('deinstall ok config-files'))).toEqual([]);
    expect(dpkg(of('purge ok not-installed'))).toEqual([]);
    expect(dpkg(of('hold ok installed'))).toHaveLength(1);
    expect(dpkg(of('install ok unpacked'))).toHaveLength(1);
    expect(dpkg(of('install reinstreq half-installed'))).toHaveLength(1);
    expect(dpkg('Package: p\nVersion: 1\n', 'var/lib/dpkg/status.d/p')).toHaveLength(1);
  });

  it('are those of dpkg, of images without dpkg, and of apk before and since version 3', () => {
    const lists = [
      'var/lib/dpkg/status',
      'var/lib/dpkg/status.d/tzdata',
      'lib/apk/db/installed',
      'usr/lib/apk/db/installed',
      'etc/os-release',
    ];
    expect(lists.filter(isListed)).toEqual(lists);
    const others = [
      'var/lib/dpkg/status-old',
      'var/lib/dpkg/status.d/tzdata.md5sums',
      'var/lib/dpkg/status.d/a/b',
      'x/var/lib/dpkg/status',
    ];
    expect(others.filter(isListed)).toEqual([]);
    expect(apkPackages(new Map([['usr/lib/apk/db/installed', 'P:a\nV:1-r0\n']]))).toHaveLength(1);
    expect(apkPackages(new Map([['var/lib/dpkg/status', 'P:a\nV:1-r0\n']]))).toEqual([]);
  });

  it.each([
    ['lib', 'usr/lib', false],
    ['lib', '/usr/lib/', false],
    ['lib', '../evil', true],
    ['lib/apk', '../usr/lib/apk', false],
    ['lib/apk', '/opt/apk', true],
    ['var/lib/rpm', '../../usr/lib/sysimage/rpm', false],
    ['var/lib/rpm', '../../opt/rpm', true],
    ['var', 'elsewhere', true],
    ['var/lib/dpkg', '/tmp/x', true],
    ['var/lib/dpkg/status', 'status-old', true],
    ['var/lib/dpkg/status.d/tzdata', '/dev/null', true],
    ['usr/lib/apk/db/installed', 'x', true],
    ['usr/lib/x', 'y', false],
    ['etc/os-release', '../usr/lib/os-release', false],
  ])('are hidden by a link %s -> %s: %s', (path, target, hidden) => {
    expect(hidesList(path, target)).toBe(hidden);
  });

  it('stand beside the name of the distribution, in quotes or not', () => {
    const fields = releaseFields(new Map([['usr/lib/os-release', 'ID=alpine\nVERSION_ID="3.23.0"\nX=\'y\'\n']]));
    expect(Object.fromEntries(fields)).toEqual({ ID: 'alpine', VERSION_ID: '3.23.0', X: 'y' });
  });
});
