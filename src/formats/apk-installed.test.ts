// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, parseApkInstalled } from '#formats';

/** As apk-tools 2.14 writes it: files of a package stand below it in lines of their own, and letters differ by case. */
const INSTALLED = `C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:alpine-baselayout
V:3.6.8-r1
A:x86_64
S:8515
I:315392
T:Alpine base dir structure and init scripts
U:https://git.alpinelinux.org/cgit/aports/tree/main/alpine-baselayout
L:GPL-2.0-only
o:alpine-baselayout
m:Natanael Copa <ncopa@alpinelinux.org>
t:1730106571
c:66187892e05b03a41d08e9acabd19b7576a1c875
D:alpine-baselayout-data=3.6.8-r1 /bin/sh
F:dev
F:etc
R:motd
Z:Q1SLkS9hBidUbPwwrw+XR0Whv3ww8=

C:Q1d53jL41NByYbGy7kNGQdaOqe0=
P:libcrypto3
V:3.3.2-r4
A:x86_64
o:openssl
F:usr/lib
R:libcrypto.so.3
a:0:0:755
Z:Q1V+SqV1oFdMKSrsAFKxsqUoNS7Mo=

`;

const PLAIN = { architecture: 'x86_64', licence: '', maintainer: '', homepage: '', commit: '', paths: [] };

describe("apk's list of installed packages", () => {
  it('gives each package with its origin', () => {
    expect(parseApkInstalled(INSTALLED, 'installed')).toEqual([
      {
        ...PLAIN,
        name: 'alpine-baselayout',
        version: '3.6.8-r1',
        origin: 'alpine-baselayout',
        licence: 'GPL-2.0-only',
        maintainer: 'Natanael Copa <ncopa@alpinelinux.org>',
        homepage: 'https://git.alpinelinux.org/cgit/aports/tree/main/alpine-baselayout',
        commit: '66187892e05b03a41d08e9acabd19b7576a1c875',
        paths: ['etc/motd'],
      },
      { ...PLAIN, name: 'libcrypto3', version: '3.3.2-r4', origin: 'openssl', paths: ['usr/lib/libcrypto.so.3'] },
    ]);
  });

  it('takes a package without an origin for its own', () => {
    expect(parseApkInstalled('P:a\nV:1-r0\n', 'installed')).toEqual([
      { ...PLAIN, name: 'a', version: '1-r0', architecture: '', origin: 'a' },
    ]);
  });

  it.each(['V:1-r0\n', 'P:a\n', 'P:\nV:1-r0\n', 'p:a\nv:1\n', 'nothing'])('refuses %j', (text) => {
    expect(() => parseApkInstalled(text, 'installed')).toThrow(
      expect.objectContaining({ code: 'APK_INVALID', where: 'installed' }),
    );
  });

  it('reads or refuses any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('P', 'V', 'o', ':', '\n', 'x') }), (text) => {
        try {
          parseApkInstalled(text, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });
});
