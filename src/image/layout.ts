// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf, replaceFile, temporaryName } from '#core';
import { isAlive } from '#cache';
import { checkedContent, type ContentSource, type Descriptor, type ManifestSink } from './content.ts';
import { ImageError, toLayoutError } from './error.ts';
import { findReference, nameManifest, openReferences } from './layout-index.ts';

/** An OCI image layout, a folder that holds images (OCI image-spec 1.1, image-layout.md). */
export interface Layout extends ContentSource, ManifestSink {
  readonly folder: string;
  /** Takes content over from a file by hard link, else by copy; checks it as `put` does. */
  adopt(descriptor: Descriptor, path: string): Promise<void>;
  /** Gives what a reference names; throws `MANIFEST_UNKNOWN` with the names there are. */
  resolve(reference: string): Promise<Descriptor>;
  /** Gives all names and what they name, sorted by name. */
  references(): Promise<ReadonlyMap<string, Descriptor>>;
}

const MOST_CHUNK_BYTES = 1 << 20;
const MARK = 'oci-layout';
const MARK_TEXT = '{"imageLayoutVersion":"1.0.0"}';
const EMPTY_INDEX = '{"manifests":[],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}';

/** Opens a layout for reading and writing. Throws `LAYOUT_INVALID` where the folder is none. */
export async function openLayout(folder: string): Promise<Layout> {
  await checkMark(folder);
  return layoutIn(folder);
}

/**
 * Opens a layout, making it where there is none, and removes what crashed runs left in it. Other names in it stay.
 * Throws `LAYOUT_INVALID` where the folder holds something else, `LAYOUT_DISK_FULL`.
 */
export async function createLayout(folder: string): Promise<Layout> {
  try {
    await refuseForeign(folder);
    await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true });
    if (!(await exists(join(folder, 'index.json')))) await replaceFile(join(folder, 'index.json'), EMPTY_INDEX);
    if (!(await exists(join(folder, MARK)))) await replaceFile(join(folder, MARK), MARK_TEXT);
    await sweep(join(folder, 'blobs', 'sha256'));
  } catch (error) {
    throw toLayoutError(error, folder);
  }
  return openLayout(folder);
}

function layoutIn(folder: string): Layout {
  const blobs = join(folder, 'blobs', 'sha256');
  const pathOf = (digest: Digest) => join(blobs, hexOf(digest));
  const references = openReferences(folder);
  let naming: Promise<void> = Promise.resolve();

  async function has(descriptor: Descriptor): Promise<boolean> {
    const found = await lstat(pathOf(descriptor.digest)).catch(() => undefined);
    return found?.isFile() === true && found.size === descriptor.size; // a file cut by a power loss is not content
  }

  async function place(descriptor: Descriptor, fill: (path: string) => Promise<void>): Promise<void> {
    if (await has(descriptor)) return;
    const path = pathOf(descriptor.digest);
    const draft = temporaryName(path);
    try {
      await fill(draft);
      await rename(draft, path);
    } catch (error) {
      throw toLayoutError(error, folder);
    } finally {
      await rm(draft, { force: true });
    }
  }

  const put: Layout['put'] = (descriptor, bytes) =>
    place(descriptor, (draft) => writeAll(draft, checkedContent(descriptor, bytes(), folder)));

  return {
    folder,
    has,
    put,
    open: (descriptor) => readFrom(pathOf(descriptor.digest), descriptor, folder),
    adopt: (descriptor, path) =>
      place(descriptor, async (draft) => {
        await link(path, draft).catch(() => copyFile(path, draft, constants.COPYFILE_FICLONE));
        for await (const _ of checkedContent(descriptor, readFrom(draft, descriptor, folder), path));
      }),
    async putManifest(descriptor, bytes, tag) {
      await put(descriptor, async function* () {
        yield bytes;
      });
      if (tag === undefined) return;
      // One at a time within this process; the lock in nameManifest keeps other processes apart.
      const turn = naming.then(() => nameManifest(folder, descriptor, tag));
      naming = turn.catch(() => {});
      await turn;
    },
    resolve: async (reference) => findReference(await references(), reference, folder),
    references,
  };
}

/** A folder without the mark may hold what a run left that was stopped while making it, and nothing else. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  const foreign = names.find((name) => name !== 'blobs' && !name.startsWith('index.json') && !name.startsWith(MARK));
  if (foreign === undefined || names.includes(MARK)) return;
  throw new ImageError('LAYOUT_INVALID', `this folder is no OCI layout and not empty: it holds ${foreign}`, {
    where: folder,
    hint: 'Choose an empty or new folder.',
  });
}

async function checkMark(folder: string): Promise<void> {
  const hint = 'An OCI layout is a folder with the files oci-layout and index.json.';
  let version: unknown;
  try {
    const text = await readFile(join(folder, MARK), 'utf8');
    version = (JSON.parse(text.slice(0, 65_536)) as { imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
  } catch (error) {
    throw new ImageError('LAYOUT_INVALID', 'this folder is no OCI layout', { where: folder, hint, cause: error });
  }
  if (version !== '1.0.0') {
    const what = `this OCI layout has version ${JSON.stringify(version)}; only 1.0.0 is known`;
    throw new ImageError('LAYOUT_INVALID', what, { where: folder, hint });
  }
}

async function writeAll(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** Reads a plain file only: a link may lead anywhere and a pipe may never end. */
async function* readFrom(path: string, descriptor: Descriptor, folder: string): AsyncGenerator<Uint8Array> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? new ImageError('BLOB_MISSING', `the layout does not hold ${descriptor.digest}`, { where: folder })
      : new ImageError('LAYOUT_INVALID', `can't read ${descriptor.digest}: ${error.code}`, {
          where: path,
          cause: error,
        });
  });
  try {
    if (!(await file.stat()).isFile()) throw new ImageError('LAYOUT_INVALID', 'not a plain file', { where: path });
    const highWaterMark = Math.min(MOST_CHUNK_BYTES, descriptor.size + 1); // a document is read in one small piece
    yield* file.createReadStream({ highWaterMark, autoClose: false }) as AsyncIterable<Buffer>;
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /\.tmp-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}
