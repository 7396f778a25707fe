// SPDX-License-Identifier: Apache-2.0
import { markdownCode, markdownTable, markdownText } from '#formats';
import type { CatalogSource } from '../catalog.ts';
import type { ReleaseDocument } from '../document.ts';
import { fixedBetween } from './fixed.ts';

/** What a revision is told against: the document of the one before, and its changelog, where there are such. */
export interface RevisionContext {
  readonly before: ReleaseDocument | undefined;
  readonly changelog: string | undefined;
}

/** Gives what a revision is, what it fixed, and what is open in it. A changelog tells more than the documents, and is given instead. */
export function revisionSection({ document, digest }: CatalogSource, { before, changelog }: RevisionContext): string {
  const { publication, revision } = document;
  const facts = [
    `Release document ${markdownCode(digest)}`,
    publication === undefined ? 'not published' : `published ${publication.created.slice(0, 10)}`,
    ...(publication?.predecessor === undefined ? [] : [`after ${markdownCode(publication.predecessor.revision)}`]),
    ...(document.partial === true ? ['partial: not every component, channel and platform was built'] : []),
  ];
  const changes = changelog === undefined ? fixedSection(document, before) : demoted(changelog);
  return [`#### ${markdownText(revision)}\n`, `${facts.join(', ')}.\n`, changes, openSentence(document)]
    .filter((part) => part !== '')
    .join('\n');
}

function fixedSection(document: ReleaseDocument, before: ReleaseDocument | undefined): string {
  const { fixed, closed, unknown } = fixedBetween(before, document);
  const rows = fixed.map(({ id, severity, package: name, images }) => [
    markdownText(id),
    severity ?? 'not told',
    name === undefined ? 'not told' : markdownText(name),
    images.map(markdownText).join(', '),
  ]);
  const parts = [
    rows.length === 0 ? '' : `Fixed:\n\n${markdownTable(['Finding', 'Severity', 'Package', 'Images'], rows)}`,
    closed.length === 0
      ? ''
      : `No longer open, without a change: ${closed.map(({ id }) => markdownText(id)).join(', ')}.\n`,
    unknown === undefined ? '' : `What it fixed is not wholly known: ${markdownText(unknown)}.\n`,
  ].filter((part) => part !== '');
  return parts.length > 0 || before === undefined ? parts.join('\n') : 'Fixed nothing that was open before.\n';
}

function openSentence({ publication }: ReleaseDocument): string {
  const findings = publication?.findings;
  if (findings === undefined) return 'What was open when it was published is not known.\n';
  if (findings.kind === 'not-scanned') return `Not scanned when it was published: ${markdownText(findings.reason)}.\n`;
  const gaps = findings.gaps.length === 0 ? '' : `; ${findings.gaps.length} things could not be checked`;
  return `Open when it was published: ${findings.open.length}${gaps}.\n`;
}

/** A changelog begins with a title of its own; its headings go below that of the revision. */
function demoted(changelog: string): string {
  return changelog.replace(/^# .*\n+/, '').replace(/^#+(?= )/gm, (signs) => '#'.repeat(Math.min(6, signs.length + 3)));
}
