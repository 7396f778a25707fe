// SPDX-License-Identifier: Apache-2.0
import { type ApiKind, compareApis, compareMinors, mergeKinds, readCrds, recordedKinds } from '#compatibility';
import type { Lock } from '#definition';
import type { Workshop } from '#factory';
import { type ApiNotes, lineOf, orderRevisions, parseRevision, type ReleaseDocument, type Revision } from '#release';

/** A module whose zip has this hash. */
interface Source {
  readonly path: string;
  readonly version: string;
  readonly zipHash: string;
}

/** What tells which components a line has. */
export interface LineSources {
  readonly documents: readonly ReleaseDocument[];
  readonly lock: Lock | undefined;
}

/**
 * Reads the API of a line from the proved sources of its newest revision, by a document or else the lock, and compares it with that of the
 * line before: from sources too where they are named, else from what is recorded. Gives undefined where neither names a release of the line.
 */
export async function readApis(line: string, known: LineSources, shop: Workshop): Promise<ApiNotes | undefined> {
  const kinds = await kindsOfLine(line, known, shop);
  if (kinds === undefined) return undefined;
  const previous = previousLine(line);
  const fromSources = previous === undefined ? undefined : await kindsOfLine(previous, known, shop);
  const before = fromSources ?? (previous === undefined ? undefined : recordedKinds(previous));
  if (previous === undefined || before === undefined) return { kinds };
  const from = fromSources === undefined ? 'record' : 'sources';
  return { kinds, since: { line: previous, changes: compareApis(before, kinds), from } };
}

async function kindsOfLine(line: string, known: LineSources, shop: Workshop): Promise<readonly ApiKind[] | undefined> {
  const modules = sourcesOfLine(line, known);
  if (modules === undefined) return undefined;
  const sources = await shop.sources();
  return mergeKinds(await Promise.all(modules.map(async (module) => readCrds((await sources.module(module)).path))));
}

function sourcesOfLine(line: string, { documents, lock }: LineSources): readonly Source[] | undefined {
  const [newest] = documents
    .filter(({ release }) => lineOf(release) === line)
    .sort((a, b) => newer(a.revision, b.revision));
  if (newest !== undefined) {
    const images = Object.values(newest.channels).flatMap((channel) => channel.images);
    return [...new Map(images.map(({ component, source }) => [component, source])).values()];
  }
  const [locked] = Object.keys(lock?.releases ?? {})
    .filter((release) => lineOf(release) === line)
    .sort((a, b) => newer(`${a}-r0`, `${b}-r0`));
  const release = locked === undefined ? undefined : lock?.releases[locked];
  return release === undefined ? undefined : Object.values(release.components).map(({ module }) => module);
}

function newer(a: string, b: string): number {
  return orderRevisions(parseRevision(b) as Revision, parseRevision(a) as Revision);
}

function previousLine(line: string): string | undefined {
  const [major = '', minor = ''] = line.split('.');
  const previous = `${major}.${Number(minor) - 1}`;
  return compareMinors(previous, `${major}.0`) < 0 ? undefined : previous;
}
