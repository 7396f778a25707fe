// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import type { GoBuildInfo } from '#formats';
import { compareSbom } from './compare.ts';
import type { ImageContent } from './image-content.ts';
import { linkedPurl, packagePurl } from './purls.ts';
import { toComponent } from './read-component.ts';

const PROGRAM: GoBuildInfo = {
  goVersion: 'go1.27.3',
  path: 'example.com/a',
  main: undefined,
  dependencies: [{ path: 'example.com/b', version: 'v1.0.0', hash: 'h1:b', replacedBy: undefined }],
  settings: new Map([['GOFIPS140', 'v1.0.0-c2097c7c']]),
};

function content(program: GoBuildInfo): ImageContent {
  return {
    manifest: digestOf('manifest'),
    architecture: 'amd64',
    os: 'linux',
    files: new Map(),
    packages: [],
    apks: [],
    rpms: [],
    unreadLists: new Map(),
    texts: new Map(),
    hiddenLists: new Map(),
    release: new Map(),
    programs: new Map([['usr/local/bin/a', program]]),
    size: 0,
  };
}

/** Gives an SBOM that lists these modules, each `path version hash`, and the standard library. */
function sbom(...modules: readonly string[]) {
  const rows = [...modules.map((row) => row.split(' ')), ['stdlib', 'v1.27.3']];
  const components = rows.map(([name = '', version = '', h1]) => {
    const purl = `pkg:golang/${name}@${version}`;
    const component = toComponent({ name, version, purl, licence: undefined, sha256: undefined, h1 });
    return { ...component, excluded: false, described: false };
  });
  return { format: 'spdx', specVersion: '2.3', name: 'a', components, files: new Map() } as const;
}

const FIPS = 'golang.org/fips140 v1.0.0-c2097c7c h1:fips';

describe('an SBOM beside an image', () => {
  it('must list the FIPS module that the toolchain carries, of which the linker names no hash', () => {
    expect(compareSbom(sbom('example.com/b v1.0.0 h1:b', FIPS), content(PROGRAM))).toEqual([]);
    expect(compareSbom(sbom('example.com/b v1.0.0 h1:b'), content(PROGRAM))).toEqual([
      { what: 'module', name: 'golang.org/fips140@v1.0.0-c2097c7c', sbom: undefined, image: 'compiled in' },
    ]);
  });

  it('may not claim the FIPS module of a program without it', () => {
    const plain = content({ ...PROGRAM, settings: new Map() });
    expect(compareSbom(sbom('example.com/b v1.0.0 h1:b', FIPS), plain)).toEqual([
      { what: 'module', name: 'golang.org/fips140@v1.0.0-c2097c7c', sbom: 'listed', image: undefined },
    ]);
  });

  it('may list a package whose code is linked into the program, and no other that the image has not', () => {
    const plain = content({ ...PROGRAM, settings: new Map() });
    const listing = (purl: string) => {
      const { components, ...rest } = sbom('example.com/b v1.0.0 h1:b');
      const named = {
        name: 'libc6-dev',
        version: '2.41-12',
        purl,
        licence: undefined,
        sha256: undefined,
        h1: undefined,
      };
      return { ...rest, components: [...components, { ...toComponent(named), excluded: false, described: false }] };
    };
    const one = {
      name: 'libc6-dev',
      version: '2.41-12',
      architecture: 'amd64',
      source: { name: 'glibc', version: '2.41-12' },
    };
    const debian = { id: 'debian', versionId: '13' };
    const linked = linkedPurl(one, debian);
    expect(linked).toBe('pkg:deb/debian/libc6-dev@2.41-12?arch=amd64&distro=debian-13&linked=static&upstream=glibc');
    expect(compareSbom(listing(linked), plain)).toEqual([]);
    expect(compareSbom(listing(packagePurl(one, debian)), plain)).toEqual([
      { what: 'package', name: 'libc6-dev', sbom: '2.41-12 amd64', image: undefined },
    ]);
  });

  it('must agree on the hash of every other module', () => {
    expect(compareSbom(sbom('example.com/b v1.0.0 h1:other', FIPS), content(PROGRAM))).toEqual([
      { what: 'module', name: 'example.com/b@v1.0.0', sbom: 'h1:other', image: 'h1:b' },
    ]);
  });
});
