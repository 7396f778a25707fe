// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildCatalog,
  type CatalogSource,
  digestOfRelease,
  formatAtom,
  formatCatalogMarkdown,
  formatJsonFeed,
  type ReleaseDocument,
} from '#release';
import { openFinding, releaseDocument } from '#testing';

const first = releaseDocument('2.9.1-r0', {
  created: '2026-07-01T00:00:00Z',
  open: [openFinding('CVE-2026-0001'), openFinding('CVE-2026-0002', 'critical')],
});
const second = releaseDocument('2.9.2-r0', {
  predecessor: first,
  created: '2026-08-01T00:00:00Z',
  open: [openFinding('CVE-2026-0002', 'critical')],
});
const third = releaseDocument('2.9.2-r1', { predecessor: second, created: '2026-09-01T00:00:00Z' });
const older = releaseDocument('2.8.5-r0', { created: '2026-06-01T00:00:00Z' });

const source = (document: ReleaseDocument): CatalogSource => ({
  document,
  digest: digestOfRelease(document),
  from: `${document.revision}.json`,
});
const sources = [third, older, first, second].map(source);

/** Gives the message of the one error that says what contradicts what. */
function faultsOf(documents: readonly ReleaseDocument[]): string {
  try {
    buildCatalog(documents.map(source));
  } catch (error) {
    expect(error).toMatchObject({ code: 'CATALOG_CONTRADICTS', family: 'proof' });
    return (error as Error).message;
  }
  return '';
}

describe('the catalog', () => {
  it('lists lines and revisions, newest first, with what was open and what each fixed', () => {
    const catalog = buildCatalog(sources);
    expect(
      catalog.lines.map(({ line, newest, revisions }) => [line, newest, revisions.map((one) => one.revision)]),
    ).toEqual([
      ['2.9', '2.9.2-r1', ['2.9.2-r1', '2.9.2-r0', '2.9.1-r0']],
      ['2.8', '2.8.5-r0', ['2.8.5-r0']],
    ]);
    const [newest, before] = catalog.lines[0]?.revisions ?? [];
    expect(before).toMatchObject({
      predecessor: '2.9.1-r0',
      findings: { open: 1, bySeverity: { critical: 1 } },
      fixed: [{ id: 'CVE-2026-0001' }],
    });
    expect(newest).toMatchObject({ findings: { kind: 'scanned', open: 0 }, digest: digestOfRelease(third) });
    expect(newest?.channels[0]?.images[0]).toMatchObject({ component: 'alpha', tag: 'v1.9.2-r1' });
  });

  it('is the same in whatever order the documents come', () => {
    const text = JSON.stringify(buildCatalog(sources));
    fc.assert(
      fc.property(fc.shuffledSubarray(sources, { minLength: sources.length }), (shuffled) => {
        expect(JSON.stringify(buildCatalog(shuffled))).toBe(text);
      }),
    );
  });

  it('never takes what was not scanned for clean', () => {
    const unscanned = releaseDocument('2.8.5-r0', { findings: { kind: 'not-scanned', reason: 'no feeds' } });
    const catalog = buildCatalog([source(unscanned)]);
    expect(catalog.lines[0]?.revisions[0]?.findings).toEqual({ kind: 'not-scanned', reason: 'no feeds' });
    expect(formatCatalogMarkdown(catalog)).toContain('| not scanned |');
    expect(formatAtom(catalog)).toContain('; not scanned;');
  });

  it('fails on two documents of one revision, and names both digests', () => {
    const other = { ...second, lock: first.definition };
    const faults = faultsOf([first, second, other]);
    expect(faults).toContain(digestOfRelease(second));
    expect(faults).toContain(digestOfRelease(other));
    expect(buildCatalog([...sources, source(second)]).lines).toHaveLength(2); // the same one twice is no contradiction
  });

  it.each<[string, readonly ReleaseDocument[], RegExp]>([
    [
      'a predecessor that is not there',
      [second, third],
      /chain is broken: 2\.9\.2-r0 .* 2\.9\.1-r0, whose document is not there/,
    ],
    [
      'a predecessor that was changed',
      [{ ...first, lock: first.definition }, second, third],
      /chain is broken: 2\.9\.2-r0 names sha256:\w+ as the document of 2\.9\.1-r0, in 2\.9\.1-r0\.json it is sha256:\w+/,
    ],
    [
      'one that names none though others were there before',
      [first, releaseDocument('2.9.2-r0', { created: '2026-08-01T00:00:00Z' })],
      /2\.9\.2-r0 names no predecessor, though 2\.9\.1-r0/,
    ],
    ['several distributions', [first, { ...older, distribution: 'other' }], /several distributions: example, other/],
    [
      'a tag that never moves and names two images',
      [first, retagged(second, 'v1.9.1-r0')],
      /v1\.9\.1-r0 is sha256:\w+ in 2\.9\.1-r0, and sha256:\w+ in 2\.9\.2-r0/,
    ],
  ])('fails on %s', (_, documents, message) => {
    expect(faultsOf(documents)).toMatch(message);
  });

  it('says what to do where there is no document', () => {
    expect(() => buildCatalog([])).toThrow(expect.objectContaining({ code: 'CATALOG_EMPTY' }));
  });
});

function retagged(document: ReleaseDocument, tag: string): ReleaseDocument {
  const copy = structuredClone(document);
  for (const { images } of Object.values(copy.channels)) for (const image of images) image.tags = [tag, 'v1'];
  return copy;
}

describe('the feed of revisions', () => {
  const catalog = buildCatalog(sources);

  it('has the same bytes for the same documents, dates of the documents, and ids that never change', () => {
    const feed = JSON.parse(formatJsonFeed(catalog));
    expect(formatAtom(buildCatalog([...sources].reverse()))).toBe(formatAtom(catalog));
    expect(feed.items.map((item: { id: string; date_published: string }) => [item.id, item.date_published])).toEqual([
      ['tag:oakum.dev,2026:releases/example/2.9.2-r1', '2026-09-01T00:00:00Z'],
      ['tag:oakum.dev,2026:releases/example/2.9.2-r0', '2026-08-01T00:00:00Z'],
      ['tag:oakum.dev,2026:releases/example/2.9.1-r0', '2026-07-01T00:00:00Z'],
      ['tag:oakum.dev,2026:releases/example/2.8.5-r0', '2026-06-01T00:00:00Z'],
    ]);
    expect(formatAtom(catalog)).toContain('<updated>2026-09-01T00:00:00Z</updated>');
  });

  it('has what JSON Feed 1.1 wants', () => {
    const feed = JSON.parse(formatJsonFeed(catalog, { url: 'https://flux.example.com/feed.json' }));
    expect(feed).toMatchObject({
      version: 'https://jsonfeed.org/version/1.1',
      title: 'example: revisions',
      feed_url: 'https://flux.example.com/feed.json',
    });
    for (const item of feed.items) {
      expect(item).toMatchObject({ id: expect.any(String), content_html: expect.stringContaining('<p>') });
      expect(new Date(item.date_published).toISOString()).toContain('2026-');
    }
  });

  it('has no entry for a document without publication', () => {
    const { publication: _, ...old } = older;
    expect(() => formatAtom(buildCatalog([source(old)]))).toThrow(expect.objectContaining({ code: 'CATALOG_EMPTY' }));
  });
});
