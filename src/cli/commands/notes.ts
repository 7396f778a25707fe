// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { answer } from '#compatibility';
import { OakumError, type Report, replaceFile } from '#core';
import { formatNotes, lineOf, type ReleaseDocument } from '#release';
import { readApis } from '../api-versions.ts';
import { formatChangelog } from '../changelog-text.ts';
import { cellsOf, keptCells, openLifecycle, ownLines } from '../lifecycle.ts';
import { type FoundDocument, readDocuments } from '../release-documents.ts';
import type { PlaceFlags } from '../revision-pairs.ts';
import { type OutputFlags, withProgress } from '../session.ts';
import { type Loaded, loadDefinition, openShop, type SharedFlags } from '../shop.ts';
import type { World } from '../world.ts';
import { readChanges } from './changelog.ts';

interface NotesFlags extends SharedFlags, OutputFlags, PlaceFlags {
  readonly from?: readonly string[];
  readonly changelog?: boolean;
  readonly output?: string;
}

/** `oakum notes`: writes the notes of a line in Markdown. */
export async function notes(line: string, flags: NotesFlags, world: World): Promise<void> {
  const loaded = await loadDefinition(flags, world);
  const found = await readDocuments(flags.from, world, flags);
  const { text, faults } = await withProgress(flags, world, (report) =>
    makeNotes(line, found, { loaded, flags, world, report }),
  );
  for (const fault of faults) process.stderr.write(`oakum: ${fault}\n`);
  if (flags.output === undefined) process.stdout.write(text);
  else await replaceFile(resolve(world.workingFolder, flags.output), text);
}

interface NotesContext {
  readonly loaded: Loaded;
  readonly flags: NotesFlags;
  readonly world: World;
  readonly report: Report;
}

async function makeNotes(
  line: string,
  found: readonly FoundDocument[],
  context: NotesContext,
): Promise<{ readonly text: string; readonly faults: readonly string[] }> {
  const { loaded, flags, world, report } = context;
  const all = found.map(({ document }) => document);
  const sources = found.filter(({ document }) => lineOf(document.release) === line);
  const documents = sources.map(({ document }) => document);
  const { lifecycle, faults } = await openLifecycle(loaded, world);
  const window = lifecycle.lines.find((one) => one.line === line);
  const shop = await openShop(loaded, { flags, world, report });
  const components = Object.keys(loaded.read.definition.components);
  const apis = await readApis(line, { documents: all, lock: loaded.lock, components }, shop);
  if (window === undefined || apis === undefined) throw unknownLine(line, window === undefined);
  const fits = answer(lifecycle, {
    channels: Object.keys(loaded.read.definition.channels),
    cells: [...cellsOf(documents), ...(await keptCells(sources))],
    revisionOf: ownLines(loaded.lock, documents).revisionOf,
    now: world.clock.now(),
  }).filter((fit) => fit.line === line);
  const { today, newestEntry } = lifecycle;
  const changelogs = flags.changelog === true ? await readChangelogs(documents, context) : new Map<string, string>();
  const { vendor } = loaded.read.definition;
  return { text: formatNotes({ line, vendor, today, newestEntry, sources, window, fits, apis, changelogs }), faults };
}

/** The changelogs of the revisions whose predecessor's document is at hand too. */
async function readChangelogs(
  documents: readonly ReleaseDocument[],
  { loaded, flags, world }: NotesContext,
): Promise<ReadonlyMap<string, string>> {
  const changelogs = new Map<string, string>();
  for (const { revision, publication, channels } of documents) {
    const before = publication?.predecessor?.revision;
    if (before === undefined || !documents.some((one) => one.revision === before)) continue;
    const component = Object.values(channels).flatMap(({ images }) => images.map((image) => image.component));
    const changes = await readChanges({ before, after: revision }, loaded, { flags: { ...flags, component }, world });
    changelogs.set(revision, formatChangelog(revision, before, changes));
  }
  return changelogs;
}

function unknownLine(line: string, isNotInCalendar: boolean): OakumError {
  const why = isNotInCalendar
    ? 'the feed endoflife knows no such line of Flux'
    : 'no release document and no lock names a release of it';
  return new OakumError('usage', 'LINE_UNKNOWN', `no notes of "${line}": ${why}`, {
    hint: isNotInCalendar
      ? 'Write a line like 2.9. Where it is newer than the feed: `oakum feeds update --feed endoflife`.'
      : `Name its documents with --from, or run \`oakum lock ${line}\`.`,
  });
}
