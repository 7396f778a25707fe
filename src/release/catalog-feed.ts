// SPDX-License-Identifier: Apache-2.0
import type { Catalog, CatalogRevision } from './catalog.ts';
import { ReleaseError } from './error.ts';

/** What a feed says of itself beside its entries. */
export interface FeedOptions {
  /** Where the feed will be found, for the link to itself. */
  readonly url?: string;
  /** The most entries, newest first; 100 by default. */
  readonly most?: number;
}

/** An entry: what both forms of the feed are made from. */
interface Entry {
  readonly id: string;
  readonly title: string;
  readonly date: string;
  readonly line: string;
  readonly text: string;
  readonly html: string;
}

/** Ids are tag URIs (RFC 4151): the same revision has the same one for ever, wherever the feed lies. */
const AUTHORITY = 'tag:oakum.dev,2026';

/**
 * Gives the feed of revisions as Atom (RFC 4287), the newest publication first. The same documents give the same bytes: dates are those of
 * the documents. Revisions whose document has no publication have no date, and are left out. Throws `CATALOG_EMPTY` where none is left.
 */
export function formatAtom(catalog: Catalog, options: FeedOptions = {}): string {
  const entries = toEntries(catalog, options);
  const { distribution } = catalog;
  const self =
    options.url === undefined ? [] : [`  <link rel="self" type="application/atom+xml" href="${xml(options.url)}"/>`];
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `  <id>${xml(feedId(distribution))}</id>`,
    `  <title>${xml(titleOf(distribution))}</title>`,
    `  <updated>${xml(entries[0]?.date ?? '')}</updated>`,
    `  <author><name>${xml(distribution)}</name></author>`,
    ...self,
    ...entries.flatMap(({ id, title, date, line, text, html }) => [
      '  <entry>',
      `    <id>${xml(id)}</id>`,
      `    <title>${xml(title)}</title>`,
      `    <published>${xml(date)}</published>`,
      `    <updated>${xml(date)}</updated>`,
      `    <category term="${xml(line)}"/>`,
      `    <summary>${xml(text)}</summary>`,
      `    <content type="html">${xml(html)}</content>`,
      '  </entry>',
    ]),
    '</feed>\n',
  ].join('\n');
}

/** Gives the same feed as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/). Throws as {@link formatAtom}. */
export function formatJsonFeed(catalog: Catalog, options: FeedOptions = {}): string {
  const { distribution } = catalog;
  const items = toEntries(catalog, options).map(({ id, title, date, line, text, html }) => ({
    id,
    title,
    date_published: date,
    date_modified: date,
    summary: text,
    content_html: html,
    tags: [line],
  }));
  const feed = {
    version: 'https://jsonfeed.org/version/1.1',
    title: titleOf(distribution),
    ...(options.url === undefined ? {} : { feed_url: options.url }),
    authors: [{ name: distribution }],
    items,
  };
  return `${JSON.stringify(feed, null, 2)}\n`;
}

const feedId = (distribution: string) => `${AUTHORITY}:releases/${distribution}`;
const titleOf = (distribution: string) => `${distribution}: revisions`;

function toEntries({ distribution, lines }: Catalog, { most = 100 }: FeedOptions): readonly Entry[] {
  const dated = lines.flatMap(({ line, revisions }) =>
    revisions.flatMap((one) => (one.created === undefined ? [] : [{ line, one, date: one.created }])),
  );
  if (dated.length === 0) {
    throw new ReleaseError('CATALOG_EMPTY', 'no document says when it was published, so a feed has no entry', {
      hint: 'Documents get their date when `oakum release` publishes them.',
    });
  }
  const sorted = dated.sort((a, b) => (a.date === b.date ? 0 : a.date < b.date ? 1 : -1));
  return sorted.slice(0, most).map(({ line, one, date }) => ({
    id: `${feedId(distribution)}/${one.revision}`,
    title: `${distribution} ${one.revision}`,
    date,
    line,
    text: summaryOf(one),
    html: htmlOf(one),
  }));
}

/** Gives what a revision is in a sentence or two. */
function summaryOf({ release, findings, fixed, channels, digest }: CatalogRevision): string {
  const open =
    findings.kind === 'scanned'
      ? `${findings.open} open findings${findings.gaps === 0 ? '' : ', not everything could be checked'}`
      : 'not scanned';
  const images = channels.map(({ channel, images: list }) => `${channel} with ${list.length} images`).join(', ');
  return `Flux ${release}: ${images}; ${open}; ${fixed.length} fixed. Release document ${digest}.`;
}

function htmlOf(revision: CatalogRevision): string {
  const { channels, fixed } = revision;
  const images = channels.map(
    ({ channel, images: list }) =>
      `<h3>${xml(channel)}</h3><ul>${list
        .map(({ name, tag, digest }) => `<li><code>${xml(`${name}:${tag}@${digest}`)}</code></li>`)
        .join('')}</ul>`,
  );
  const gone = fixed.map(
    ({ id, package: found, images: where }) =>
      `<li>${xml(id)}${found === undefined ? '' : ` in ${xml(found)}`} (${xml(where.join(', '))})</li>`,
  );
  return [
    `<p>${xml(summaryOf(revision))}</p>`,
    gone.length === 0 ? '' : `<h3>Fixed</h3><ul>${gone.join('')}</ul>`,
    ...images,
  ].join('');
}

/** Gives a text for XML 1.0: escaped, without the characters that can't be in it at all (XML 1.0, production 2). */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
