// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { digestOf, messageOf, OakumError } from '#core';
import { type CatalogSource, orderRevisions, parseReleaseDocument, parseRevision, type Revision } from '#release';
import { readCatalogSources } from './catalog-sources.ts';
import { asRegistry } from './locate-release.ts';
import type { World } from './world.ts';

/** A release document, where it was read from, and the folder that what belongs to it lies in, where it is one. */
export interface FoundDocument extends CatalogSource {
  readonly folder?: string;
}

/** The folder that `oakum release` writes into by default. */
const USUAL = 'out';

/**
 * Reads release documents from files, and from all that `oakum catalog` reads them from; of a folder whose layout holds none, the one in
 * its release.json. Without a name, of ./out, where there is one. Gives each once, in the order of their revisions. Throws
 * `DOCUMENT_UNREADABLE`, `DOCUMENTS_CONTRADICT` where a revision has two, and what reading a source throws.
 */
export async function readDocuments(
  named: readonly string[] | undefined,
  world: World,
  flags: { readonly plainHttp?: boolean } = {},
): Promise<readonly FoundDocument[]> {
  const isUsual = named === undefined && (await kindOf(join(world.workingFolder, USUAL))) === 'folder';
  const places = named ?? (isUsual ? [USUAL] : []);
  const found = (await Promise.all(places.map((place) => readPlace(place, flags, world)))).flat();
  const once = [...new Map(found.map((one) => [one.digest, one])).values()];
  const sorted = once.sort((a, b) => orderRevisions(revisionOf(a), revisionOf(b)));
  for (const [index, one] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before?.document.revision === one.document.revision) throw contradiction(before, one);
  }
  return sorted;
}

async function readPlace(
  place: string,
  flags: { readonly plainHttp?: boolean },
  world: World,
): Promise<readonly FoundDocument[]> {
  const path = resolve(world.workingFolder, place);
  const kind = await kindOf(path);
  if (kind === 'file') return [await readDocument(path)];
  if (kind === undefined && !place.startsWith('oci:') && asRegistry(place) === undefined)
    throw unreadable(path, 'there is no such file or folder');
  const found = await readCatalogSources(place, flags, world);
  const single = join(path, 'release.json');
  if (found.length === 0 && (await kindOf(single)) === 'file') return [await readDocument(single)];
  return kind === 'folder' ? found.map((one) => ({ ...one, folder: path })) : found;
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : found.isDirectory() ? 'folder' : 'file';
}

async function readDocument(file: string): Promise<FoundDocument> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, messageOf(error));
  });
  return { document: parseReleaseDocument(text, file), digest: digestOf(text), from: file, folder: dirname(file) };
}

function unreadable(file: string, why: string): OakumError {
  return new OakumError('usage', 'DOCUMENT_UNREADABLE', `a release document can't be read: ${why}`, {
    where: file,
    hint: 'Name a file, a folder, oci:FOLDER for an OCI layout, or a registry; `oakum release` writes out/release.json.',
  });
}

function contradiction(one: CatalogSource, other: CatalogSource): OakumError {
  const { revision } = one.document;
  return new OakumError(
    'proof',
    'DOCUMENTS_CONTRADICT',
    `${one.from} and ${other.from} hold different documents of ${revision}`,
    { hint: 'A revision has one document: name the one that was published.' },
  );
}

function revisionOf({ document }: CatalogSource): Revision {
  return parseRevision(document.revision) as Revision;
}
