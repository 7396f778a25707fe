// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { debianPurl, formatPurl, goModulePurl } from './purl.ts';

describe('the package URL writer', () => {
  it.each([
    [
      { type: 'npm', namespace: '@angular', name: 'animation', version: '12.3.1' },
      'pkg:npm/%40angular/animation@12.3.1',
    ],
    [
      {
        type: 'rpm',
        namespace: 'fedora',
        name: 'curl',
        version: '7.50.3-1.fc25',
        qualifiers: { distro: 'fedora-25', arch: 'i386' },
      },
      'pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25',
    ],
    [{ type: 'generic', name: 'a b', qualifiers: { empty: '', x: "it's/1" } }, 'pkg:generic/a%20b?x=it%27s%2F1'],
  ])('writes %j as the specification does', (parts, text) => {
    expect(formatPurl(parts)).toBe(text);
  });

  it.each([
    ['github.com/fluxcd/source-watcher/v2', 'v2.2.2', 'pkg:golang/github.com/fluxcd/source-watcher/v2@v2.2.2'],
    [
      'github.com/Masterminds/semver',
      'v1.0.0+incompatible',
      'pkg:golang/github.com/masterminds/semver@v1.0.0%2Bincompatible',
    ],
    ['std', 'v1.27.3', 'pkg:golang/std@v1.27.3'],
  ])('names the Go module %s %s', (path, version, text) => {
    expect(goModulePurl(path, version)).toBe(text);
  });

  it('names Debian packages, epochs and plus signs included', () => {
    const found = { name: 'base-files', version: '1:13.8+deb13u8~x', architecture: 'amd64', distro: 'debian-13' };
    expect(debianPurl(found)).toBe('pkg:deb/debian/base-files@1:13.8%2Bdeb13u8~x?arch=amd64&distro=debian-13');
  });
});
