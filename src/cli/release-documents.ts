// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, OakumError } from '#core';
import { orderRevisions, parseReleaseDocument, parseRevision, type ReleaseDocument, type Revision } from '#release';
import type { World } from './world.ts';

/** What `oakum release` writes by default. */
const USUAL = 'out/release.json';

/** One release document, and the file it was read from. */
export interface FoundDocument {
  readonly file: string;
  readonly document: ReleaseDocument;
}

/**
 * Reads release documents: the files named, and of the folders named every `*.json` that is one; without any name the one in ./out, where
 * there is one. Gives them in the order of their revisions. Throws `DOCUMENT_UNREADABLE`, `DOCUMENTS_CONTRADICT` where two files hold
 * different documents of one revision, and what {@link parseReleaseDocument} throws.
 */
export async function readDocuments(
  named: readonly string[] | undefined,
  world: Pick<World, 'workingFolder'>,
): Promise<readonly FoundDocument[]> {
  const files =
    named === undefined
      ? await usualFile(world)
      : (await Promise.all(named.map((one) => filesOf(resolve(world.workingFolder, one))))).flat();
  const found = await Promise.all([...new Set(files)].map(readDocument));
  const sorted = found.sort((a, b) => orderRevisions(revisionOf(a), revisionOf(b)));
  for (const [index, one] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before?.document.revision !== one.document.revision) continue;
    throw new OakumError(
      'proof',
      'DOCUMENTS_CONTRADICT',
      `${before.file} and ${one.file} are both the document of ${one.document.revision}`,
      { hint: 'A revision has one document: name the one that was published.' },
    );
  }
  return sorted;
}

async function usualFile({ workingFolder }: Pick<World, 'workingFolder'>): Promise<readonly string[]> {
  const file = join(workingFolder, USUAL);
  return (await stat(file).catch(() => undefined))?.isFile() === true ? [file] : [];
}

async function filesOf(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
    if (names.length > 0) return names.map((name) => join(path, name));
  } catch (error) {
    throw unreadable(path, error);
  }
  throw unreadable(path, new Error('the folder holds no .json file'));
}

async function readDocument(file: string): Promise<FoundDocument> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error);
  });
  return { file, document: parseReleaseDocument(text, file) };
}

function unreadable(file: string, error: unknown): OakumError {
  return new OakumError('usage', 'DOCUMENT_UNREADABLE', `a release document can't be read: ${messageOf(error)}`, {
    where: file,
    hint: `\`oakum release\` writes one: ${USUAL}.`,
  });
}

function revisionOf({ document }: FoundDocument): Revision {
  return parseRevision(document.revision) as Revision;
}
