// SPDX-License-Identifier: Apache-2.0
import { markdownCode, markdownTable, markdownText } from '#formats';
import type { Catalog, CatalogLine, CatalogRevision, FindingsCount } from './catalog.ts';

/** Gives a catalog as Markdown: a table of revisions for each line, and the images of each line's newest. */
export function formatCatalogMarkdown({ distribution, lines }: Catalog): string {
  return [`# ${markdownText(distribution)}: releases\n`, ...lines.map(lineSection)].join('\n');
}

function lineSection({ line, support, revisions }: CatalogLine): string {
  const header = ['Revision', 'Published', 'Channels', 'Open', 'Fixed', 'Document'];
  const rows = revisions.map((one) => [
    markdownText(one.partial ? `${one.revision} (partial)` : one.revision),
    one.created?.slice(0, 10) ?? 'not published',
    one.channels.map(({ channel }) => markdownText(channel)).join(', '),
    countText(one.findings),
    one.fixed.map(({ id }) => markdownText(id)).join(', ') || '-',
    markdownCode(one.digest),
  ]);
  const [newest] = revisions;
  return [
    `## ${markdownText(line)}\n`,
    ...(support === undefined ? [] : [`Kubernetes ${support.supported.join(', ')}${untilText(support.until)}.\n`]),
    markdownTable(header, rows),
    ...(newest === undefined ? [] : [imagesSection(newest)]),
  ].join('\n');
}

function imagesSection({ revision, channels }: CatalogRevision): string {
  const rows = channels.flatMap(({ images }) =>
    images.map(({ name, tag, digest, platforms }) => [
      markdownCode(`${name}:${tag}`),
      markdownCode(digest),
      platforms.map(markdownText).join(', '),
    ]),
  );
  return `Images of ${markdownText(revision)}:\n\n${markdownTable(['Image', 'Digest', 'Platforms'], rows)}`;
}

function untilText(until: string | undefined): string {
  return until === undefined ? '' : `, supported until ${until}`;
}

/** Gives how many findings were open, for a table: never a zero for what was not looked at. */
export function countText(findings: FindingsCount): string {
  if (findings.kind === 'not-scanned') return 'not scanned';
  const grave = (['critical', 'high'] as const).flatMap((severity) => {
    const count = findings.bySeverity[severity];
    return count === undefined ? [] : [`${count} ${severity}`];
  });
  const gaps = findings.gaps === 0 ? [] : [`${findings.gaps} not checked`];
  const details = [...grave, ...gaps];
  return details.length === 0 ? `${findings.open}` : `${findings.open} (${details.join(', ')})`;
}
