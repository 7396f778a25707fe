// SPDX-License-Identifier: Apache-2.0
import { stringify } from 'yaml';
import { markdownText } from '#formats';
import type { ReleaseDocument } from '../document.ts';
import { ReleaseError } from '../error.ts';
import { newestFirst } from '../revision.ts';
import { apiSection } from './api-section.ts';
import { notesFaults } from './contradictions.ts';
import { releaseSection, type ReleaseRevisions } from './release-section.ts';
import type { NotesRequest } from './request.ts';
import { supportSection } from './support-section.ts';

/**
 * Gives the notes of a line in Markdown with a YAML head: what it runs on, its API versions, and each of its releases, newest first. What
 * strangers wrote in documents stays text. Throws `NOTES_CONTRADICT` with every contradiction, and then gives nothing.
 */
export function formatNotes(request: NotesRequest): string {
  const { line, vendor, apis, changelogs } = request;
  const faults = notesFaults(request);
  if (faults.length > 0) {
    throw new ReleaseError(
      'NOTES_CONTRADICT',
      faults.length === 1
        ? (faults[0] as string)
        : `${faults.length} contradictions:\n${faults.map((one) => `  ${one}`).join('\n')}`,
      {
        hint: 'Notes say only what all their sources say. Leave away the document that is not the published one, or test again what failed.',
      },
    );
  }
  const head = stringify({ title: `Release v${line}`, description: `${vendor} distribution for Flux v${line}` });
  const before = ({ publication }: ReleaseDocument) =>
    request.sources.find(({ document }) => document.revision === publication?.predecessor?.revision)?.document;
  const sections = releasesOf(request.sources).map((one) => releaseSection(one, { before, changelogs }));
  return [
    `---\n${head}---\n`,
    `# ${markdownText(vendor)} distribution for Flux v${line}.x\n`,
    supportSection(request),
    apiSection(line, apis),
    ...(sections.length === 0 ? ['No release of this line is published.\n'] : sections),
  ].join('\n');
}

function releasesOf(sources: NotesRequest['sources']): readonly ReleaseRevisions[] {
  const groups = Map.groupBy(newestFirst(sources), ({ document }) => document.release);
  return [...groups].flatMap(([release, [newest, ...older]]) =>
    newest === undefined ? [] : [{ release, revisions: [newest, ...older] as const }],
  );
}
