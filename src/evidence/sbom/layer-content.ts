// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type Digest, Measure } from '#core';
import type { GoBuildInfo, RpmPackage, TarEntry } from '#formats';
import { EvidenceError } from '../error.ts';
import { hidesList, isListed, isOwnerList } from './package-lists.ts';
import { inspectProgram, isElf } from './program.ts';
import { isReadable, isRpmDatabase, readRpmDatabase } from './rpm-database.ts';

/** A regular file as it lies in an image. */
export interface ContentFile {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** The twelve permission bits. */
  readonly mode: number;
  /** 40 hex digits; measured where asked for. */
  readonly sha1?: string;
}

/** What one layer holds and what it hides of the layers below it, or several laid over one another. */
export interface LayerContent {
  readonly files: Map<string, ContentFile>;
  /** The texts that name packages and the distribution. */
  readonly texts: Map<string, string>;
  /** Symbolic links where such texts would lie. */
  readonly links: Map<string, string>;
  readonly programs: Map<string, GoBuildInfo>;
  /** What rpm's databases list, by their paths; nothing for a kind that is not read. */
  readonly rpms: Map<string, readonly RpmPackage[]>;
  /** Paths that are gone below, with all under them. */
  readonly hidden: Set<string>;
  /** Folders whose content below is gone; '' is the root. */
  readonly opaque: Set<string>;
  /** Paths that are folders now, whatever they were. */
  readonly folders: Set<string>;
}

/** A program (any ELF file) of a layer, as long as it lies on disk. */
export interface SpooledProgram {
  readonly path: string;
  readonly digest: Digest;
  readonly file: string;
}

/** How a layer's entries are read. */
export interface ReadEntryOptions {
  /** Names a new path on disk, where a program or a database is kept while it is read. */
  readonly temporary: () => string;
  /** May read a program meanwhile. */
  readonly onProgram?: (program: SpooledProgram) => Promise<void>;
  /** Also keeps the lists that say which package owns which file, and measures SHA-1. */
  readonly owners?: boolean;
}

/** Gives a layer without content. */
export function newLayer(): LayerContent {
  return {
    files: new Map(),
    texts: new Map(),
    links: new Map(),
    programs: new Map(),
    rpms: new Map(),
    hidden: new Set(),
    opaque: new Set(),
    folders: new Set(),
  };
}

/** The most bytes of all texts of a layer together: the largest distributions have lists of a few. */
const MAX_TEXT_BYTES = 64 << 20;
const MAX_TEXTS = 10_000;
const MAX_PROGRAMS = 1_000;
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * Adds one entry of a layer's tar to what is known of the layer. A program is kept at the path that `temporary` names, as long as it
 * is read. Throws `SBOM_CONTENT_INVALID`, and what `onProgram` throws.
 */
export async function readLayerEntry(entry: TarEntry, layer: LayerContent, options: ReadEntryOptions): Promise<void> {
  const { path } = entry;
  const slash = path.lastIndexOf('/') + 1;
  const name = path.slice(slash);
  if (name === OPAQUE) layer.opaque.add(path.slice(0, Math.max(slash - 1, 0)));
  else if (name.startsWith(WHITEOUT)) layer.hidden.add(path.slice(0, slash) + name.slice(WHITEOUT.length));
  else if (entry.kind === 'directory') layer.folders.add(path);
  else layer.hidden.add(path);
  if (name.startsWith(WHITEOUT)) return;
  if (entry.kind === 'file') await readFile(entry, layer, options);
  if (entry.kind === 'symlink' && hidesList(path, entry.target)) layer.links.set(path, entry.target);
  if (entry.kind !== 'hardlink') return;
  for (const known of [layer.files, layer.texts, layer.programs, layer.rpms] as Map<string, unknown>[]) {
    const target = known.get(entry.target);
    if (target !== undefined) known.set(path, target);
  }
}

/** Lays a layer over what is below it: whiteouts, and whatever takes a path's place, hide what is below and never what is beside them. */
export function lay(layer: LayerContent, below: LayerContent): LayerContent {
  const isSeen = (path: string) => !layer.folders.has(path) && !isHidden(path, layer);
  const seen = [...below.files].filter(([path]) => isSeen(path));
  const kept = new Set(seen.map(([path]) => path));
  const over = <T>(own: ReadonlyMap<string, T>, lower: ReadonlyMap<string, T>) =>
    new Map([...[...lower].filter(([path]) => kept.has(path)), ...own]);
  return {
    ...newLayer(),
    files: new Map([...seen, ...layer.files]),
    texts: over(layer.texts, below.texts),
    links: new Map([...[...below.links].filter(([path]) => isSeen(path)), ...layer.links]),
    programs: over(layer.programs, below.programs),
    rpms: over(layer.rpms, below.rpms),
  };
}

function isHidden(path: string, { hidden, opaque }: LayerContent): boolean {
  if (hidden.has(path) || opaque.has('')) return true;
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const folder = path.slice(0, slash);
    if (hidden.has(folder) || opaque.has(folder)) return true;
  }
  return false;
}

async function readFile(
  entry: Extract<TarEntry, { kind: 'file' }>,
  layer: LayerContent,
  { temporary, onProgram, owners = false }: ReadEntryOptions,
): Promise<void> {
  const { path, size, mode } = entry;
  const sum = new Measure();
  let measured: Digest | undefined;
  const digest = () => (measured ??= sum.digest());
  const sha1 = owners ? createHash('sha1') : undefined;
  const bytes = (async function* () {
    for await (const chunk of entry.body) {
      sum.update(chunk);
      sha1?.update(chunk);
      yield chunk;
    }
  })();
  const { head, whole } = await peek(bytes);
  if (isElf(head)) {
    const info = await readProgram(whole, temporary(), (file) => onProgram?.({ path, digest: digest(), file }));
    if (info !== undefined) layer.programs.set(path, info);
    if (layer.programs.size > MAX_PROGRAMS) throw invalid(`a layer holds more than ${MAX_PROGRAMS} Go programs`, path);
  } else if (isRpmDatabase(path)) {
    layer.rpms.set(path, isReadable(path) ? await readRpmDatabase(path, whole, temporary()) : []);
    await drain(whole);
  } else if (isListed(path) || (owners && isOwnerList(path))) {
    const held = [...layer.texts.values()].reduce((sum, text) => sum + text.length, 0);
    if (held + size > MAX_TEXT_BYTES || layer.texts.size >= MAX_TEXTS)
      throw invalid('it is too large to be read', path);
    layer.texts.set(path, await textOf(whole));
  } else await drain(whole);
  layer.files.set(path, {
    digest: digest(),
    size,
    mode,
    ...(sha1 === undefined ? {} : { sha1: sha1.digest('hex') }),
  });
}

async function readProgram(
  bytes: AsyncIterable<Uint8Array>,
  spool: string,
  whenRead: (file: string) => Promise<void> | undefined,
): Promise<GoBuildInfo | undefined> {
  try {
    const info = await inspectProgram(bytes, spool);
    await whenRead(spool);
    return info;
  } finally {
    await rm(spool, { force: true });
  }
}

/** Gives a stream's first chunk, and all of it. */
async function peek(
  bytes: AsyncGenerator<Uint8Array>,
): Promise<{ head: Uint8Array; whole: AsyncIterable<Uint8Array> }> {
  const first = await bytes.next();
  const head = first.done === true ? new Uint8Array() : first.value;
  const whole = (async function* () {
    if (head.byteLength > 0) yield head;
    yield* bytes;
  })();
  return { head, whole };
}

/** Reads to the end, for the measure's sake. */
async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const chunks = bytes[Symbol.asyncIterator]();
  while ((await chunks.next()).done !== true);
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function invalid(message: string, where: string): EvidenceError {
  return new EvidenceError('SBOM_CONTENT_INVALID', message, { where });
}
