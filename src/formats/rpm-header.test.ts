// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, parseRpmHeader } from '#formats';
import { buildRpmHeader } from '#testing';

const OPENSSL = {
  1000: 'openssl-libs',
  1001: '3.2.2',
  1002: '6.el9_5',
  1003: [1],
  1011: 'Red Hat, Inc.',
  1014: 'ASL 2.0',
  1020: 'http://www.openssl.org/',
  1022: 'x86_64',
  1044: 'openssl-3.2.2-6.el9_5.src.rpm',
  1116: [0, 1],
  1117: ['openssl.cnf', 'libcrypto.so.3'],
  1118: ['/etc/pki/tls/', '/usr/lib64/'],
};

describe("a header of rpm's database", () => {
  it('gives the package with its files', () => {
    expect(parseRpmHeader(buildRpmHeader(OPENSSL), 'rpmdb')).toEqual({
      name: 'openssl-libs',
      version: '3.2.2-6.el9_5',
      epoch: 1,
      architecture: 'x86_64',
      sourcePackage: 'openssl-3.2.2-6.el9_5.src.rpm',
      licence: 'ASL 2.0',
      vendor: 'Red Hat, Inc.',
      homepage: 'http://www.openssl.org/',
      paths: ['etc/pki/tls/openssl.cnf', 'usr/lib64/libcrypto.so.3'],
    });
  });

  it('is none of a package where it holds a key', () => {
    expect(parseRpmHeader(buildRpmHeader({ 1000: 'gpg-pubkey', 1001: 'fd431d51' }), 'rpmdb')).toBeUndefined();
  });

  it.each([
    ['is cut short', buildRpmHeader(OPENSSL).subarray(0, 60)],
    ['has no bytes', Buffer.alloc(0)],
    ['says more tags than it has', Buffer.from('ffffffff00000000', 'hex')],
    ['has no version', buildRpmHeader({ 1000: 'a' })],
    ['has a number where a text belongs', buildRpmHeader({ ...OPENSSL, 1000: [7] })],
    ['has a file in no folder', buildRpmHeader({ ...OPENSSL, 1116: [0, 9] })],
  ])('is refused when it %s', (_, bytes) => {
    expect(() => parseRpmHeader(bytes, 'rpmdb')).toThrow(expect.objectContaining({ code: 'RPM_INVALID' }));
  });

  it('is read or refused, whatever its bytes', () => {
    const whole = buildRpmHeader(OPENSSL);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        try {
          parseRpmHeader(bytes, 'rpmdb');
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });
});
