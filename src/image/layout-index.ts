// SPDX-License-Identifier: Apache-2.0
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { whileLocked } from '#cache';
import { replaceFile } from '#core';
import { canonicalJson, type Json } from '#formats';
import { REF_NAME } from './annotations.ts';
import type { Descriptor } from './content.ts';
import { ImageError } from './error.ts';
import { descriptorSchema, parse } from './manifest.ts';

/** The most bytes of index.json that are read: with some seventy names for each revision, those of thousands. */
const MOST_INDEX_BYTES = 64 << 20;

/** The members of index.json that Oakum looks at; the others, of other tools, are kept as they are. */
const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z
    .array(z.looseObject({ digest: z.string(), annotations: z.record(z.string(), z.string()).optional() }))
    .max(100_000),
});

type LayoutIndex = z.infer<typeof indexSchema>;

/** Gives all names of a layout and what they name, sorted. Throws `LAYOUT_INVALID` or `MANIFEST_INVALID`. */
export type ListReferences = () => Promise<ReadonlyMap<string, Descriptor>>;

/**
 * Gives what lists the names of a layout. index.json is read once while it stays the same file: whoever looks up the names of many
 * revisions would else read all of them for each. Every writer that this format knows of replaces the file.
 */
export function openReferences(folder: string): ListReferences {
  let held: { readonly state: string; readonly references: ReturnType<ListReferences> } | undefined;
  return async () => {
    const state = await stateOf(join(folder, 'index.json'));
    if (held !== undefined && held.state === state) return held.references;
    const references = readReferences(folder);
    held = state === undefined ? undefined : { state, references };
    return references;
  };
}

/** Names a file as it is now; undefined where there is none. A file that takes its place has another inode, one that is written over other times. */
async function stateOf(file: string): Promise<string | undefined> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
}

async function readReferences(folder: string): ReturnType<ListReferences> {
  const index = await readIndex(folder);
  const named = index.manifests.flatMap((entry) => {
    const name = entry.annotations?.[REF_NAME];
    const descriptor = descriptorSchema.safeParse(entry);
    return name === undefined || !descriptor.success ? [] : [[name, descriptor.data as Descriptor] as const];
  });
  return new Map(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of lists of referrers, which nobody asks for by hand (distribution specification, "Referrers Tag Schema"). */
const REFERRERS_TAG = /^sha256-[0-9a-f]{64}/;

/** Gives what a name names among the names of the layout in `folder`; throws `MANIFEST_UNKNOWN`, saying which names there are. */
export function findReference(
  references: ReadonlyMap<string, Descriptor>,
  reference: string,
  folder: string,
): Descriptor {
  const found = references.get(reference);
  if (found !== undefined) return found;
  const names = [...references.keys()].filter((name) => !REFERRERS_TAG.test(name));
  throw new ImageError('MANIFEST_UNKNOWN', `the layout holds no image named ${reference}`, {
    where: folder,
    hint: names.length === 0 ? 'It holds no named image.' : `It holds ${names.slice(0, 20).join(', ')}.`,
  });
}

/**
 * Makes a name point at a manifest, keeping all other entries. index.json is read, changed and replaced under a lock,
 * so two runs lose nothing of each other and a crash leaves the old file. Entries are sorted, so that the order in
 * which images finish leaves no trace. Throws `LAYOUT_BUSY`, `LAYOUT_INVALID`, `MANIFEST_INVALID`.
 */
export async function nameManifest(folder: string, descriptor: Descriptor, reference: string): Promise<void> {
  const { annotations: _, ...plain } = descriptor;
  const entry = { ...plain, annotations: { [REF_NAME]: reference } };
  const text = canonicalJson(entry);
  if ((await readIndex(folder)).manifests.some((known) => canonicalJson(known as Json) === text)) return;
  const lock = join(folder, '.index.lock');
  await whileLocked(lock, busy(lock), async () => {
    const index = await readIndex(folder);
    const others = index.manifests.filter((other) => other.annotations?.[REF_NAME] !== reference);
    const manifests = [...others, entry].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    await replaceFile(join(folder, 'index.json'), canonicalJson({ ...index, manifests } as Json));
  });
}

function busy(lock: string): () => ImageError {
  return () =>
    new ImageError('LAYOUT_BUSY', 'another run has been writing to this layout for too long', {
      where: lock,
      hint: 'Wait for it; if none is running, remove this file.',
    });
}

function sortKey(entry: {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}) {
  return `${entry.annotations?.[REF_NAME] ?? ''}\0${entry.digest}`;
}

async function readIndex(folder: string): Promise<LayoutIndex> {
  const path = join(folder, 'index.json');
  let bytes: Buffer;
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > MOST_INDEX_BYTES) throw new Error(`it has ${size} bytes`);
      bytes = await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new ImageError('LAYOUT_INVALID', "the layout's index.json can't be read", { where: path, cause: error });
  }
  return parse(indexSchema, bytes, { what: 'the index of a layout', where: path, most: MOST_INDEX_BYTES });
}
