// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from './error.ts';
import { formatPurl, parsePurl, type Purl } from './purl.ts';

/** A folder with the test files of the purl specification (`spec/`, `types/`), where there is one. */
const SUITE = process.env['OAKUM_PURL_TESTS'] ?? '';

interface SuiteTest {
  readonly description: string;
  readonly test_type: 'parse' | 'build' | 'validate';
  readonly input: never;
  readonly expected_output: unknown;
  readonly expected_failure: boolean;
}

describe('the package URL', () => {
  test('is refused, or has one canonical text, whatever a stranger wrote', () => {
    const pieces = fc.constantFrom(
      'pkg:',
      'pkg://',
      'golang',
      'Deb',
      '/',
      '//',
      '@',
      '?',
      '#',
      '%',
      '%2F',
      '%zz',
      '%00',
      '..',
      '=',
      '&',
      'a',
      'Ä',
      '\u001b',
      ' ',
    );
    const written = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 15 }).map((parts) => `pkg:golang/${parts.join('')}`),
    );
    let read = 0;
    fc.assert(
      fc.property(written, (text) => {
        let purl: Purl;
        try {
          purl = parsePurl(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          return;
        }
        read += 1;
        expect(parsePurl(formatPurl(purl))).toEqual(purl);
        expect(formatPurl(purl)).toMatch(/^[\w:/.~@?&=#%-]+$/);
      }),
      { numRuns: 3000 },
    );
    expect(read).toBeGreaterThan(300);
  });

  test.each<[string, Purl]>([
    [
      'pkg:golang/github.com/fluxcd/source-controller@v1.9.3#api',
      { type: 'golang', namespace: 'github.com/fluxcd', name: 'source-controller', version: 'v1.9.3', subpath: 'api' },
    ],
    ['pkg:golang/stdlib@v1.27.3', { type: 'golang', name: 'stdlib', version: 'v1.27.3' }],
    [
      'pkg:golang/github.com/docker/docker@v28.0.0%2Bincompatible',
      { type: 'golang', namespace: 'github.com/docker', name: 'docker', version: 'v28.0.0+incompatible' },
    ],
    [
      'pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19~x?arch=amd64&distro=debian-13&upstream=gcc-14%4014.2.0-19',
      {
        type: 'deb',
        namespace: 'debian',
        name: 'libstdc++6',
        version: '1:14.2.0-19~x',
        qualifiers: { arch: 'amd64', distro: 'debian-13', upstream: 'gcc-14@14.2.0-19' },
      },
    ],
    [
      'pkg:oci/source-controller@sha256:0011?arch=arm64&repository_url=registry.example.com%2Fflux',
      {
        type: 'oci',
        name: 'source-controller',
        version: 'sha256:0011',
        qualifiers: { arch: 'arm64', repository_url: 'registry.example.com/flux' },
      },
    ],
    ['pkg:generic/it%27s%20%28%21%2A%29@1', { type: 'generic', name: "it's (!*)", version: '1' }],
  ])('%s is written from its parts and read back', (text, parts) => {
    expect(formatPurl(parts)).toBe(text);
    expect(parsePurl(text)).toEqual({ namespace: undefined, qualifiers: undefined, subpath: undefined, ...parts });
  });

  test.each([
    ['pkg:GOLANG/GitHub.com/BurntSushi/toml@v1.6.0#/a/./../b/', 'pkg:golang/github.com/burntsushi/toml@v1.6.0#a/b'],
    [
      'pkg://deb/Debian/Curl@7.50.3-1?distro=jessie&arch=i386&empty=',
      'pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie',
    ],
    ['pkg:npm/%40scope/name@1.0.0', 'pkg:npm/%40scope/name@1.0.0'],
  ])('%s has the canonical form %s', (text, form) => {
    expect(formatPurl(parsePurl(text))).toBe(form);
  });

  test.each([
    'golang/a@v1',
    'pkg:name@1',
    'pkg:golang/',
    'pkg:golang/@v1',
    'pkg:3x/a',
    'pkg:go lang/a',
    'pkg%3Agolang/a',
    'pkg:oci/library/debian@1',
    'pkg:deb/debian/a?in%20production=true',
    'pkg:generic/a%zz',
  ])('%s is refused', (text) => {
    expect(() => parsePurl(text)).toThrow(expect.objectContaining({ code: 'PURL_INVALID' }));
  });

  describe.skipIf(SUITE === '')('by the tests of its specification', () => {
    for (const file of ['spec/specification', 'types/golang', 'types/deb', 'types/oci', 'types/generic', 'types/apk']) {
      const path = join(SUITE, `${file}-test.json`);
      const tests = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { tests: SuiteTest[] }).tests : [];
      test.each(tests)(`${file}: $test_type $input`, (one) => {
        const run = () => {
          if (one.test_type === 'build') return formatPurl(withoutNull(one.input));
          const parts = parsePurl(one.input);
          return one.test_type === 'validate' ? formatPurl(parts) : parts;
        };
        if (one.expected_failure) expect(run).toThrow(expect.objectContaining({ code: 'PURL_INVALID' }));
        else expect(run()).toEqual(withoutNull(one.expected_output));
      });
    }
  });
});

function withoutNull(value: unknown): never {
  if (value === null || typeof value !== 'object') return value as never;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, one ?? undefined])) as never;
}
