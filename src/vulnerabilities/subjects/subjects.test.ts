// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileSubject, sbomSubject, type ScanSubject, VulnerabilityError } from '#vulnerabilities';
import { ecosystemOf } from './distribution-packages.ts';

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const named = (subject: ScanSubject) =>
  subject.packages.map(({ ecosystem, name, version, scope }) => [ecosystem, name, version, scope].join(' '));
const cyclonedx = (components: readonly object[], more: object = {}) =>
  sbomSubject(bytes({ bomFormat: 'CycloneDX', specVersion: '1.6', components, ...more }), 'sbom.json');
const library = (name: string, purl?: string, version = '1') => ({ type: 'library', name, version, purl });

describe('what is scanned', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-scan-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const write = async (name: string, text: string | Buffer) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  test('in an SBOM of syft are modules, source packages of Debian and origins of Alpine', () => {
    const subject = cyclonedx([
      library('github.com/Masterminds/semver/v3', 'pkg:golang/github.com/Masterminds/semver@v3.5.0#v3'),
      library('stdlib', 'pkg:golang/stdlib@1.27.3'),
      library('libssl3t64', 'pkg:deb/debian/libssl3t64@3.5.1-1%2Bdeb13u1?arch=amd64&distro=debian-13&upstream=openssl'),
      library(
        'libgcc-s1',
        'pkg:deb/debian/libgcc-s1@14.2.0-19?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2.0-18',
      ),
      library('login', 'pkg:deb/debian/login@1%3A4.16.0-2%2Bb1?arch=amd64&distro=debian-13&upstream=shadow'),
      library('libcrypto3', 'pkg:apk/alpine/libcrypto3@3.5.4-r0?arch=x86_64&distro=alpine-3.23.0&upstream=openssl'),
      library('busybox', 'pkg:apk/alpine/busybox@1.37.0-r27?arch=x86_64&distro=alpine-3.23.0'),
    ]);
    expect(named(subject)).toEqual([
      'Alpine:v3.23 busybox 1.37.0-r27 image',
      'Alpine:v3.23 openssl 3.5.4-r0 image',
      'Debian:13 gcc-14 14.2.0-18 image',
      'Debian:13 openssl 3.5.1-1+deb13u1 image',
      'Debian:13 shadow 1:4.16.0-2 image',
      'Go github.com/Masterminds/semver/v3 v3.5.0 image',
      'Go stdlib 1.27.3 image',
    ]);
    expect(subject.gaps).toEqual([]);
    expect(subject.packages[1]?.occurrences).toMatchObject([{ name: 'libcrypto3', version: '3.5.4-r0' }]);
  });

  test('in an SBOM that no feed covers is told', () => {
    const { packages, gaps } = cyclonedx([
      library('left-pad', 'pkg:npm/left-pad@1.3.0'),
      library('bash', 'pkg:deb/ubuntu/bash@5.2?distro=ubuntu-24.04'),
      library('dash', 'pkg:deb/debian/dash@0.5'),
      library('mystery', undefined),
    ]);
    expect(packages).toEqual([]);
    expect(gaps).toEqual([
      { what: 'left-pad', reason: 'no feed covers npm packages' },
      { what: 'bash', reason: 'no feed covers deb packages of ubuntu, ubuntu-24.04' },
      { what: 'dash', reason: 'no feed covers deb packages of debian' },
      { what: 'mystery', reason: 'it has no package URL' },
    ]);
    expect(cyclonedx([]).gaps).toEqual([{ what: 'the whole target', reason: 'its SBOM names no package' }]);
  });

  test('finds the release of a distribution in the SBOM where packages do not name it', () => {
    const system = { type: 'operating-system', name: 'debian', version: '13' };
    expect(named(cyclonedx([system, library('dash', 'pkg:deb/debian/dash@0.5.12-12')]))).toEqual([
      'Debian:13 dash 0.5.12-12 image',
    ]);
  });

  test.each([
    ['debian', 'debian-13', 'Debian:13'],
    ['debian', 'debian-12.9', 'Debian:12'],
    ['debian', 'trixie', 'Debian:13'],
    ['debian', 'debian-sid', undefined],
    ['debian', undefined, undefined],
    ['alpine', 'alpine-3.23.0', 'Alpine:v3.23'],
    ['alpine', '3.23', 'Alpine:v3.23'],
    ['alpine', 'alpine-3.24.0_alpha20261001', 'Alpine:edge'],
    ['alpine', 'edge', 'Alpine:edge'],
    ['ubuntu', 'ubuntu-24.04', undefined],
    ['debian', '../../etc', undefined],
  ])('of %s %s is %s', (namespace, distro, ecosystem) => {
    expect(ecosystemOf(namespace, distro)).toBe(ecosystem);
  });

  test('in SPDX leaves out sources, and keeps the compiler apart', () => {
    const one = (id: string, name: string, purl: string, versionInfo: string) => ({
      SPDXID: id,
      name,
      versionInfo,
      externalRefs: [{ referenceType: 'purl', referenceLocator: purl }],
    });
    const compiler = 'v0.0.1-go1.27.3.linux-amd64';
    const subject = sbomSubject(
      bytes({
        spdxVersion: 'SPDX-2.3',
        name: 'x',
        packages: [
          one('A', 'golang.org/toolchain', `pkg:golang/golang.org/toolchain@${compiler}`, compiler),
          one('B', 'openssl', 'pkg:deb/debian/openssl@3.5?arch=source&distro=debian-13', '3.5'),
          one('C', 'm', 'pkg:golang/m@v1.0.0', 'v1.0.0'),
        ],
        relationships: [
          { spdxElementId: 'A', relationshipType: 'BUILD_TOOL_OF', relatedSpdxElement: 'C' },
          { spdxElementId: 'C', relationshipType: 'CONTAINS', relatedSpdxElement: 'A' },
          { spdxElementId: 'A', relationshipType: 'CONTAINS', relatedSpdxElement: 'C' },
        ],
      }),
      'x',
    );
    expect(named(subject)).toEqual(['Go m v1.0.0 image', 'Go toolchain 1.27.3 build']);
  });

  test('in a Go program is what the linker wrote, with what replaces a module', async () => {
    await write('go.mod', 'module example.com/program\n\ngo 1.21\n');
    await write('main.go', 'package main\n\nfunc main() { println("x") }\n');
    const binary = join(folder, 'program');
    const env = { ...process.env, CGO_ENABLED: '0', GOARCH: 'arm64', GOOS: 'linux', GOFLAGS: '', GOWORK: 'off' };
    execFileSync('go', ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', binary, '.'], {
      cwd: folder,
      env,
    });
    const subject = await fileSubject(binary, 'program');
    expect(subject).toMatchObject({ kind: 'go-binary', platform: 'linux/arm64', gaps: [] });
    expect(subject.packages.map(({ name, version }) => [name, version === undefined])).toEqual([
      ['example.com/program', true],
      ['stdlib', false],
    ]);
  }, 120_000);

  test('in a go.mod is each requirement, or what replaces it', async () => {
    const text = `module example.com/m
go 1.26.0
toolchain go1.27.3
require (
  example.com/a v1.0.0
  example.com/b v1.1.0 // indirect
  example.com/c v1.2.0+incompatible
  example.com/d v1.3.0
)
replace example.com/b => example.com/fork v1.9.0
replace example.com/d v1.3.0 => ./d
`;
    const subject = await fileSubject(await write('go.mod', text), 'go.mod');
    expect(named(subject)).toEqual([
      'Go example.com/a v1.0.0 image',
      'Go example.com/c v1.2.0+incompatible image',
      'Go example.com/d  image',
      'Go example.com/fork v1.9.0 image',
      'Go stdlib 1.27.3 image',
    ]);
    expect(subject.packages[3]?.occurrences[0]?.how).toBe('it replaces example.com/b v1.1.0');
    expect(subject.packages[2]?.version).toBeUndefined();
  });

  test('in a go.mod of before Go 1.17 needs the go.sum', async () => {
    const path = await write('old.mod', 'module m\ngo 1.16\nrequire example.com/a v1.0.0\n');
    expect((await fileSubject(path, 'old.mod')).gaps).toHaveLength(1);
    await write(
      'go.sum',
      ['example.com/b v1.0.0 h1:x=', 'example.com/b v1.1.0 h1:x=', 'example.com/b v1.2.0/go.mod h1:x=', ''].join('\n'),
    );
    const subject = await fileSubject(path, 'old.mod');
    expect(subject.gaps).toEqual([]);
    expect(named(subject)).toContain('Go example.com/b v1.1.0 image');
  });

  test('may be hostile', async () => {
    const fails = async (path: string) =>
      fileSubject(path, 'x').then(
        () => 'read',
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      );
    expect(await fails(join(folder, 'absent'))).toBe('TARGET_UNREADABLE');
    expect(await fails(folder)).toBe('TARGET_INVALID');
    expect(await fails(await write('empty', ''))).toBe('TARGET_INVALID');
    expect(await fails(await write('elf', Buffer.from('\x7fELF\x02\x01\x01', 'latin1')))).toBe('TARGET_INVALID');
    expect(await fails(await write('x.mod', 'require (\n'))).toBe('TARGET_INVALID');
    expect(await fails(await write('x.json', '{"a":'))).toBe('SBOM_INVALID');
    expect(await fails(await write('deep.json', `{"a":${'['.repeat(100_000)}`))).toBe('SBOM_INVALID');
    expect(VulnerabilityError).toBeDefined();
  });

  test('keeps each package of an SBOM with any names: found, or a gap', () => {
    const purl = fc.oneof(
      fc.constantFrom('pkg:golang/a/b@v1.0.0', 'pkg:golang/__proto__@v1', 'pkg:deb/debian/x@1?distro=debian-13'),
      fc.string().map((text) => `pkg:golang/${text}`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), purl), { minLength: 1, maxLength: 20 }), (all) => {
        const { packages, gaps } = cyclonedx(all.map(([name, one]) => library(name, one)));
        expect(packages.length + gaps.length).toBeGreaterThan(0);
      }),
    );
  });

  test('can be a hundred thousand packages', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => library(`m/${index}`, `pkg:golang/m/${index}@v1.0.0`));
    expect(cyclonedx(many).packages).toHaveLength(100_000);
  });
});
