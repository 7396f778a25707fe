// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { mirrorsOf, parseAptSources } from '#bases';

describe('the reader of apt sources', () => {
  test('reads the one-line format with options, comments and source packages', () => {
    const text = `# a comment
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian/ bookworm main contrib # trailing
deb-src http://mirror.example/debian bookworm main
  deb http://mirror.example/flat ./
`;
    expect(parseAptSources([{ name: '/etc/apt/sources.list', text }])).toEqual([
      {
        uris: ['http://mirror.example/debian'],
        suites: ['bookworm'],
        components: ['main', 'contrib'],
        where: '/etc/apt/sources.list:2',
      },
      { uris: ['http://mirror.example/flat'], suites: ['./'], components: [], where: '/etc/apt/sources.list:4' },
    ]);
  });

  test('reads deb822 with several URIs, an inline key, and leaves disabled ones out', () => {
    const text = `Types: deb deb-src
URIs: https://a.example/debian
 https://b.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQIN
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: https://c.example/debian
Suites: trixie
Components: main

Types: deb-src
URIs: https://d.example/debian
Suites: trixie
`;
    const sources = parseAptSources([{ name: 'x.sources', text }]);
    expect(sources).toHaveLength(1);
    expect(sources[0]).toMatchObject({
      uris: ['https://a.example/debian', 'https://b.example/debian'],
      suites: ['trixie', 'trixie-updates'],
    });
  });

  test.each([
    ['a line that is none', 'x.list', 'deb http://mirror.example/debian\n', 'x.list:1'],
    ['a stanza without suites', 'x.sources', 'Types: deb\nURIs: http://mirror.example\n', 'x.sources'],
    ['text that is no stanza', 'x.sources', 'deb http://mirror.example/debian trixie main\nnonsense\n', 'x.sources'],
  ])('refuses %s', (_name, name, text, where) => {
    expect(() => parseAptSources([{ name, text }])).toThrow(
      expect.objectContaining({ code: 'BASE_SOURCES_INVALID', where, family: 'machine' }),
    );
  });
});

describe('the mirrors', () => {
  const mirrors = (text: string) => mirrorsOf(parseAptSources([{ name: 'sources.list', text }]));

  test('of a machine on Debian 12 are candidates for any release', () => {
    const found = mirrors(`deb http://m.example/debian bookworm main
deb http://m.example/debian bookworm-updates main
deb http://s.example/security bookworm-security main
`);
    expect(found).toEqual({
      main: ['http://m.example/debian'],
      security: ['http://s.example/security', 'http://m.example/debian-security'],
    });
  });

  test('leave out strangers and what is not reached over HTTP', () => {
    const found = mirrors(`deb http://x.example/apt stable vendor
deb cdrom:[Debian]/ bookworm main
deb http://node.example/node nodistro main
`);
    expect(found).toEqual({ main: [], security: [] });
  });
});
