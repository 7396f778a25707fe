// SPDX-License-Identifier: Apache-2.0
import { array, assert, constantFrom, property } from 'fast-check';
import { lexer, type Token, type Tokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compareApis, type EvidenceReading, type Fit, type LineWindow, recordedKinds } from '#compatibility';
import { digestOf } from '#core';
import { type CatalogSource, digestOfRelease, formatNotes, type NotesRequest, type ReleaseDocument } from '#release';
import { openFinding, releaseDocument } from '#testing';

const WINDOW: LineWindow = {
  line: '2.8',
  released: '2026-02-24',
  state: 'supported',
  endsWith: '2.11',
  kubernetes: ['1.35', '1.36'],
};

function fit(kubernetes: string, evidence: Partial<EvidenceReading> = {}): Fit {
  const openShift = { '1.35': '4.22', '1.34': '4.21' }[kubernetes];
  return {
    line: '2.8',
    kubernetes,
    basis: WINDOW.kubernetes.includes(kubernetes) ? 'window' : 'provider',
    providers: [
      { provider: 'eks', cycle: kubernetes, stage: 'standard', until: '2027-08-02' },
      ...(openShift === undefined
        ? []
        : [{ provider: 'openshift', cycle: openShift, stage: 'extended', until: '2027-12-31' } as const]),
    ],
    endsWith: [],
    evidence: [{ channel: 'distroless', state: 'not tested', reasons: [], notes: [], ...evidence }],
  };
}

const FIRST = releaseDocument('2.8.7-r0', { open: [openFinding('GO-2026-0001'), openFinding('GO-2026-0002')] });
const SECOND = patched(releaseDocument('2.8.7-r1', { predecessor: FIRST, open: [openFinding('GO-2026-0002')] }));
const THIRD = releaseDocument('2.8.8-r0', { predecessor: SECOND, platforms: ['linux/amd64', 'linux/arm64'] });

/** The same, with an overlay over alpha that fixes a finding and brings its module. */
function patched(document: ReleaseDocument): ReleaseDocument {
  const overlay = { findings: ['GO-2026-0001'], requires: [{ path: 'golang.org/x/net', to: 'v0.31.0' }], patches: [] };
  return {
    ...document,
    channels: Object.fromEntries(
      Object.entries(document.channels).map(([name, channel]) => [
        name,
        {
          ...channel,
          images: channel.images.map((image) => (image.component === 'alpha' ? { ...image, overlay } : image)),
        },
      ]),
    ),
  };
}

const toSource = (document: ReleaseDocument): CatalogSource => ({
  document,
  digest: digestOfRelease(document),
  from: `${document.revision}.json`,
});

function request(given: Partial<NotesRequest> = {}): NotesRequest {
  const kinds = recordedKinds('2.8') ?? [];
  return {
    line: '2.8',
    vendor: 'Example',
    today: '2026-08-21',
    sources: [FIRST, SECOND, THIRD].map(toSource),
    window: WINDOW,
    fits: [fit('1.36'), fit('1.35'), fit('1.34')],
    apis: { kinds, since: { line: '2.7', changes: compareApis(recordedKinds('2.7') ?? [], kinds), from: 'record' } },
    changelogs: new Map(),
    ...given,
  };
}

/** Of what Markdown and HTML are made: single signs, and what browsers or GitHub would do something with. */
const SIGNS = [
  ...Array.from('`|<>[]()!#*_~&\\\n\t -=:@{}\u2028\u202Ea'),
  '<br>',
  '<img src=x onerror=alert(1)>',
  '[x](javascript:alert(1))',
  '![x](https://evil.example/p.png)',
  '\r\n# Heading\n',
  '\n---\n',
  'https://evil.example/',
  'www.evil.example',
  '&lt;b&gt;',
  '<!--',
  '-->',
  '```',
  '1.',
];

/** Two documents that hold a text wherever a document may hold any, the ids of findings apart, which the order of rows hangs on. */
function hostile(text: string): readonly ReleaseDocument[] {
  const finding = { ...openFinding('GO-2026-0001'), package: text, version: text };
  const before = releaseDocument('2.8.7-r0', { open: [finding, { ...finding, id: `GO-${text}` }] });
  const after = releaseDocument('2.8.7-r1', { predecessor: before, findings: { kind: 'not-scanned', reason: text } });
  const next = releaseDocument('2.8.8-r0', { predecessor: before });
  const channels = Object.entries(next.channels).map(([name, channel]) => [
    name,
    {
      ...channel,
      images: channel.images.map((image) => ({ ...image, name: `${image.name}${text}`, version: text, tags: [text] })),
    },
  ]);
  return [before, after, { ...next, channels: Object.fromEntries(channels) as ReleaseDocument['channels'] }];
}

/** The headings of notes and the size of each table. */
function shapeOf(documents: readonly ReleaseDocument[]): readonly string[] {
  const tokens = bodyOf(formatNotes(request({ sources: documents.map(toSource) })));
  const tables = tokens.flatMap((token) =>
    token.type === 'table'
      ? [`${(token as Tokens.Table).header.length} x ${(token as Tokens.Table).rows.map((row) => row.length).join()}`]
      : [],
  );
  return [...headings(tokens), ...tables];
}

/** The headings of a Markdown text, by marked, with their depth. */
function headings(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap((token) =>
    token.type === 'heading'
      ? [`${'#'.repeat((token as Tokens.Heading).depth)} ${(token as Tokens.Heading).text}`]
      : [],
  );
}

/** The table that follows a heading, as its cells' texts. */
function tableAfter(tokens: readonly Token[], heading: string): readonly (readonly string[])[] {
  const from = tokens.findIndex((token) => token.type === 'heading' && (token as Tokens.Heading).text === heading);
  const table = tokens.slice(from).find((token) => token.type === 'table') as Tokens.Table | undefined;
  return from < 0 || table === undefined ? [] : [table.header, ...table.rows].map((row) => row.map(({ text }) => text));
}

/** The text below its YAML head. */
const bodyOf = (notes: string) => lexer(notes.slice(notes.indexOf('\n---\n') + 5));

describe('the notes of a line', () => {
  it('have the shape that distributions of Flux publish: a head, tables, releases newest first', () => {
    const notes = formatNotes(request());
    expect(parse(notes.slice(4, notes.indexOf('\n---\n')))).toEqual({
      title: 'Release v2.8',
      description: 'Example distribution for Flux v2.8',
    });
    expect(headings(bodyOf(notes))).toEqual([
      '# Example distribution for Flux v2.8.x',
      '## Supported Kubernetes Versions',
      '### Provider Calendars',
      '### Tests',
      '## API Versions',
      '### General Availability (GA)',
      '### Beta (Preview)',
      '### Promotions',
      '### Removals',
      '### Deprecations',
      ...['2.8.8', '2.8.7'].flatMap((release) => [
        `## v${release}`,
        ...['Distroless', 'FIPS'].flatMap((channel) => [
          `### ${channel} v${release}`,
          '#### Flux Controllers',
          '#### Digests',
          '#### Flux Manifests',
        ]),
        `### Revisions v${release}`,
        ...(release === '2.8.8' ? ['#### 2.8.8-r0'] : ['#### 2.8.7-r1', '#### 2.8.7-r0']),
      ]),
    ]);
  });

  it('list what is supported, oldest first, and until when', () => {
    const tokens = bodyOf(formatNotes(request()));
    expect(tableAfter(tokens, 'Supported Kubernetes Versions')).toEqual([
      ['Distribution', 'Versions'],
      ['Kubernetes', '1.35 <br>1.36'],
      ['OpenShift', '4.21 <br>4.22'],
    ]);
    expect(tableAfter(tokens, 'Provider Calendars')[1]).toEqual([
      'Amazon EKS',
      ['1.34', '1.35', '1.36'].map((minor) => `${minor} until 2027-08-02, now in standard support`).join(' <br>'),
    ]);
    expect(formatNotes(request())).toContain('supported until v2.11 is out');
  });

  it('list the API as another distribution lists it for 2.8', () => {
    const tokens = bodyOf(formatNotes(request()));
    expect(tableAfter(tokens, 'General Availability (GA)').slice(0, 2)).toEqual([
      ['kind', 'apiVersion'],
      ['[Bucket](https://v2-8.docs.fluxcd.io/flux/components/source/buckets/)', '`source.toolkit.fluxcd.io/v1`'],
    ]);
    expect(tableAfter(tokens, 'Beta (Preview)').slice(1)).toEqual([
      [
        '[Alert](https://v2-8.docs.fluxcd.io/flux/components/notification/alerts/)',
        '`notification.toolkit.fluxcd.io/v1beta3`',
      ],
      [
        '[ArtifactGenerator](https://v2-8.docs.fluxcd.io/flux/components/source/artifactgenerators/)',
        '`source.extensions.fluxcd.io/v1beta1`',
      ],
      [
        '[Provider](https://v2-8.docs.fluxcd.io/flux/components/notification/providers/)',
        '`notification.toolkit.fluxcd.io/v1beta3`',
      ],
    ]);
    expect(tableAfter(tokens, 'Removals')).toContainEqual(['HelmRelease', '`helm.toolkit.fluxcd.io/v2beta2`']);
    expect(tableAfter(tokens, 'Deprecations')).toContainEqual(['Receiver', '`notification.toolkit.fluxcd.io/v1beta2`']);
  });

  it('give controllers, architectures, digests and manifests of the newest revision', () => {
    const manifests = [
      {
        channel: 'fips',
        kind: 'flux-manifests' as const,
        name: 'registry.example.com/flux/fips/flux-manifests',
        tags: ['v2.8.8-r0', 'v2.8.8'],
        digest: digestOf('manifests'),
        size: 5,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
      },
    ];
    const tokens = bodyOf(formatNotes(request({ sources: [{ ...THIRD, manifests }].map(toSource) })));
    const fips = tokens.slice(
      tokens.findIndex((token) => token.type === 'heading' && (token as Tokens.Heading).text === 'FIPS v2.8.8'),
    );
    expect(tableAfter(fips, 'Flux Controllers')).toEqual([
      ['Controller', 'Version', 'Architectures'],
      ['`registry.example.com/flux/fips/alpha`', 'v1.8.8', 'amd64 / arm64'],
      ['`registry.example.com/flux/fips/beta`', 'v1.8.8', 'amd64 / arm64'],
    ]);
    expect(tableAfter(fips, 'Flux Manifests')).toEqual([
      ['OCI Artifact', 'Version'],
      ['`registry.example.com/flux/fips/flux-manifests`', 'v2.8.8'],
    ]);
    expect(tableAfter(fips, 'Digests').at(-1)).toEqual([
      '`registry.example.com/flux/fips/flux-manifests`',
      '`v2.8.8-r0` `v2.8.8`',
      `\`${digestOf('manifests')}\``,
    ]);
  });

  it('tell what each revision fixed, and what only was decided', () => {
    const notes = formatNotes(request());
    const tokens = bodyOf(notes);
    expect(tableAfter(tokens, '2.8.7-r1')).toEqual([
      ['Finding', 'Severity', 'Package', 'Images'],
      ['GO-2026-0001', 'high', 'golang.org/x/net v0.30.0', 'distroless/alpha, fips/alpha'],
    ]);
    expect(tableAfter(tokens, '2.8.8-r0')[1]?.[0]).toBe('GO-2026-0002'); // in another version of alpha
    expect(notes).toContain(
      `Release document \`${digestOfRelease(SECOND)}\`, published 2026-08-21, after \`2.8.7-r0\`.`,
    );
    const decided = releaseDocument('2.8.7-r1', { predecessor: FIRST });
    const told = formatNotes(request({ sources: [FIRST, decided].map(toSource) }));
    expect(told).toContain('No longer open, without a change: GO-2026-0001, GO-2026-0002.');
    expect(told).not.toContain('Fixed:');
    expect(formatNotes(request({ sources: [SECOND].map(toSource) }))).toContain(
      'the document of 2.8.7-r0 is not at hand',
    );
  });

  it('take a changelog where there is one, its headings below the revision', () => {
    const changelogs = new Map([
      ['2.8.7-r1', '# 2.8.7-r1\n\nSince 2.8.7-r0: 1 fixed.\n\n## fips/alpha\n\nFixed:\n- GO-2026-0001\n'],
    ]);
    const found = headings(bodyOf(formatNotes(request({ changelogs }))));
    expect(found.slice(found.indexOf('#### 2.8.7-r1'))).toEqual(['#### 2.8.7-r1', '##### fips/alpha', '#### 2.8.7-r0']);
  });

  it('are the same for the same documents in any order', () => {
    expect(formatNotes(request({ sources: [THIRD, FIRST, SECOND].map(toSource) }))).toBe(formatNotes(request()));
  });

  it('leave what strangers wrote as text, wherever a document holds it', () => {
    const clean = shapeOf(hostile('plain'));
    assert(
      property(array(constantFrom(...SIGNS), { minLength: 1, maxLength: 12 }), (signs) => {
        const tokens = bodyOf(formatNotes(request({ sources: hostile(signs.join('')).map(toSource) })));
        const all = everyToken(tokens);
        const html = all.flatMap((token) => (token.type === 'html' ? [(token as Tokens.HTML).text] : []));
        expect(new Set(html)).toEqual(new Set(['<br>']));
        const links = all.flatMap((token) => (token.type === 'link' ? [(token as Tokens.Link).href] : []));
        expect(
          links.filter((href) => !/^https:\/\/(?:v2-8\.docs\.fluxcd\.io|github\.com\/fluxcd)\//.test(href)),
        ).toEqual([]);
        expect(all.some(({ type }) => type === 'image')).toBe(false);
        expect(shapeOf(hostile(signs.join('')))).toEqual(clean);
      }),
    );
  });

  it.each<[string, Partial<NotesRequest>, RegExp]>([
    [
      'a document of another line',
      { sources: [releaseDocument('2.9.0-r0')].map(toSource) },
      /2\.9\.0-r0 is no revision of line 2\.8/,
    ],
    [
      'two documents of one revision',
      { sources: [FIRST, { ...FIRST, compressor: 'other' }].map(toSource) },
      /2\.8\.7-r0 has two documents/,
    ],
    [
      'a predecessor that is another',
      { sources: [{ ...FIRST, compressor: 'other' }, SECOND].map(toSource) },
      /chain is broken: 2\.8\.7-r1 names sha256:\w+ as the document of 2\.8\.7-r0/,
    ],
    [
      'documents of two distributions',
      { sources: [FIRST, { ...THIRD, distribution: 'other' }].map(toSource) },
      /several distributions/,
    ],
    ['the calendar of another line', { window: { ...WINDOW, line: '2.9' } }, /that of line 2\.9/],
    [
      'one release of two versions',
      { sources: [FIRST, withVersion(releaseDocument('2.8.7-r1'), 'v9.9.9')].map(toSource) },
      /^3 contradictions:[^]*alpha of 2\.8\.7 is v9\.9\.9 in 2\.8\.7-r1 and v1\.8\.7 in 2\.8\.7-r0/,
    ],
    [
      'a failed test of what is supported',
      { fits: [fit('1.36', { state: 'failed' })] },
      /line 2\.8 is for Kubernetes 1\.36, but it failed its test there/,
    ],
  ])('are not made from %s', (_, given, message) => {
    expect(() => formatNotes(request(given))).toThrow(
      expect.objectContaining({ code: 'NOTES_CONTRADICT', message: expect.stringMatching(message) }),
    );
  });

  it('say nothing of what is not known', () => {
    const notes = formatNotes(request({ sources: [], fits: [], apis: { kinds: [] } }));
    expect(notes).toContain('No release of this line is published.');
    expect(headings(bodyOf(notes))).toEqual([
      '# Example distribution for Flux v2.8.x',
      '## Supported Kubernetes Versions',
      '## API Versions',
      '### Deprecations',
    ]);
  });
});

function withVersion(document: ReleaseDocument, version: string): ReleaseDocument {
  return {
    ...document,
    channels: Object.fromEntries(
      Object.entries(document.channels).map(([name, channel]) => [
        name,
        { ...channel, images: channel.images.map((image) => ({ ...image, version })) },
      ]),
    ),
  };
}

/** All tokens, and all inside them. */
function everyToken(tokens: readonly Token[]): readonly Token[] {
  return tokens.flatMap((token) => {
    const inside = 'tokens' in token && token.tokens !== undefined ? token.tokens : [];
    const cells =
      token.type === 'table' ? [(token as Tokens.Table).header, ...(token as Tokens.Table).rows].flat() : [];
    return [token, ...everyToken(inside), ...everyToken(cells.flatMap((cell) => cell.tokens))];
  });
}
