// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { packagePurl, sourcePurl } from './purls.ts';

const plain = { version: '1.0-r0', architecture: 'x86_64' };
const ALPINE = { id: 'alpine', versionId: '3.24.1' };
const RHEL = { id: 'rhel', versionId: '9.5' };

describe("a distribution package's URL", () => {
  it('names the origin of an apk where it has another name, whatever its version', () => {
    const libcrypto = {
      ...plain,
      kind: 'apk' as const,
      name: 'libcrypto3',
      source: { name: 'openssl', version: '1.0-r0' },
    };
    expect(packagePurl(libcrypto, ALPINE)).toBe(
      'pkg:apk/alpine/libcrypto3@1.0-r0?arch=x86_64&distro=alpine-3.24.1&upstream=openssl',
    );
    expect(sourcePurl(libcrypto, ALPINE)).toBe('pkg:apk/alpine/openssl@1.0-r0?arch=source&distro=alpine-3.24.1');
    const tini = { ...plain, kind: 'apk' as const, name: 'tini', source: { name: 'tini', version: '1.0-r0' } };
    expect(packagePurl(tini, ALPINE)).toBe('pkg:apk/alpine/tini@1.0-r0?arch=x86_64&distro=alpine-3.24.1');
  });

  it('names the epoch of an rpm and the file of its source package', () => {
    const source = { name: 'openssl', version: '3.2.2-6.el9' };
    const libs = {
      kind: 'rpm' as const,
      name: 'openssl-libs',
      version: '3.2.2-6.el9',
      epoch: 1,
      architecture: 'x86_64',
      source,
    };
    expect(packagePurl(libs, RHEL)).toBe(
      'pkg:rpm/rhel/openssl-libs@3.2.2-6.el9?arch=x86_64&distro=rhel-9.5&epoch=1&upstream=openssl-3.2.2-6.el9.src.rpm',
    );
    expect(sourcePurl(libs, RHEL)).toBe('pkg:rpm/rhel/openssl@3.2.2-6.el9?arch=src&distro=rhel-9.5');
  });

  it('stays as it was for Debian', () => {
    const source = { name: 'glibc', version: '2.41-12' };
    expect(
      packagePurl(
        { name: 'libc6', version: '2.41-12', architecture: 'amd64', source },
        { id: 'debian', versionId: '13' },
      ),
    ).toBe('pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13&upstream=glibc');
  });
});
