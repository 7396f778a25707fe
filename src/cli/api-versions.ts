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

/** What tells which components a line has, and which it should have. */
export interface LineSources {
  readonly documents: readonly ReleaseDocument[];
  readonly lock: Lock | undefined;
  readonly components: readonly string[];
}

/**
 * Reads the API of a line from the proved sources of its newest release, by its document and the lock, and compares it with that of the
 * line before: from sources too where they are named, else from what is recorded. Without the sources of every component there is no
 * comparison, since what is missing would look removed. Gives undefined where neither names a release of the line.
 */
export async function readApis(line: string, known: LineSources, shop: Workshop): Promise<ApiNotes | undefined> {
  const modules = sourcesOfLine(line, known);
  if (modules === undefined) return undefined;
  const kinds = await kindsOf(modules, shop);
  const previous = previousLine(line);
  if (previous === undefined || !isWhole(modules, known)) return { kinds };
  const older = sourcesOfLine(previous, known);
  const isRead = older !== undefined && isWhole(older, known);
  const before = isRead ? await kindsOf(older, shop) : recordedKinds(previous);
  if (before === undefined) return { kinds };
  return { kinds, since: { line: previous, changes: compareApis(before, kinds), from: isRead ? 'sources' : 'record' } };
}

type Sources = ReadonlyMap<string, Source>;

async function kindsOf(modules: Sources, shop: Workshop): Promise<readonly ApiKind[]> {
  const sources = await shop.sources();
  const read = async (module: Source) => readCrds((await sources.module(module)).path);
  return mergeKinds(await Promise.all([...modules.values()].map(read)));
}

function isWhole(modules: Sources, { components }: LineSources): boolean {
  return components.every((component) => modules.has(component));
}

/** The sources of a line's newest release by component: as published, and those that were not, as locked. */
function sourcesOfLine(line: string, { documents, lock }: LineSources): Sources | undefined {
  const isOfLine = (release: string) => lineOf(release) === line;
  const [published] = documents
    .filter(({ release }) => isOfLine(release))
    .sort((a, b) => newer(a.revision, b.revision));
  const [locked] = Object.keys(lock?.releases ?? {})
    .filter(isOfLine)
    .sort((a, b) => newer(`${a}-r0`, `${b}-r0`));
  const release = published?.release ?? locked;
  if (release === undefined) return undefined;
  const images = Object.values(published?.channels ?? {}).flatMap((channel) => channel.images);
  return new Map<string, Source>([
    ...Object.entries(lock?.releases[release]?.components ?? {}).map(([name, { module }]) => [name, module] as const),
    ...images.map(({ component, source }) => [component, source] as const),
  ]);
}

function newer(a: string, b: string): number {
  return orderRevisions(parseRevision(b) as Revision, parseRevision(a) as Revision);
}

function previousLine(line: string): string | undefined {
  const [major = '', minor = ''] = line.split('.');
  const previous = `${major}.${Number(minor) - 1}`;
  return compareMinors(previous, `${major}.0`) < 0 ? undefined : previous;
}
