// SPDX-License-Identifier: Apache-2.0
import { createHash, hash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FormatError, readZipDirectory, readZipEntry, type ZipSource } from '#formats';
import { checkModuleZip, MAX_ZIP, refused } from './zip-rules.ts';

/** A zip to check, hash and, where `into` names an empty folder, extract. */
export interface UnpackRequest {
  readonly zip: string;
  /** The module's `path@version`, which each name in the zip begins with. */
  readonly name: string;
  readonly into?: string;
  /** A Go toolchain: its programs become executable, and each `_go.mod` (no zip may hold a nested go.mod) is copied to go.mod. */
  readonly isToolchain?: boolean;
}

/** What came of it: the `h1:` hash over all files, their number and their bytes. */
export interface Unpacked {
  readonly zipHash: string;
  readonly files: number;
  readonly bytes: number;
}

/** How {@link hashFolder} reads a folder. */
export interface HashFolderOptions {
  readonly isToolchain?: boolean;
  readonly without?: readonly string[];
}

interface FileSum {
  readonly path: string;
  readonly sha256: string;
}

const FILE_MODE = 0o444;
const PROGRAM_MODE = 0o555;
const FOLDER_MODE = 0o755;

/**
 * Checks a module zip by Go's rules, then hashes and extracts it in one pass, in this thread (it is meant for workers).
 * Files become 0444, folders 0755. Throws `ZIP_REFUSED`. The caller compares the hash before it uses the folder.
 */
export function unpackModule(request: UnpackRequest): Unpacked {
  const descriptor = openSync(request.zip, 'r');
  try {
    const source = zipSource(descriptor);
    if (source.size > MAX_ZIP) throw refused(request.name, `it is larger than ${MAX_ZIP >> 20} MiB`);
    const folders = request.into === undefined ? undefined : new FolderMaker(request.into);
    const sums: FileSum[] = [];
    let bytes = 0;
    for (const { path, entry } of checkModuleZip(readZipDirectory(source), request.name)) {
      const content = readZipEntry(source, entry);
      sums.push({ path, sha256: hash('sha256', content) });
      bytes += content.length;
      if (request.isToolchain)
        for (const place of toolchainPlaces(path)) folders?.write(place, content, modeInToolchain(place));
      else folders?.write(path, content, FILE_MODE);
    }
    return { zipHash: hashOne(sums, (path) => `${request.name}/${path}`), files: sums.length, bytes };
  } catch (error) {
    throw error instanceof FormatError ? refused(request.name, error.message) : error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Hashes an extracted module again; gives its `h1:` hash, which is the zip's while nothing has been changed. Of a
 * toolchain, the copies that {@link unpackModule} adds must equal what they were copied from, or the hash differs.
 * Folders named in `without` (relative) hold other modules and do not count.
 */
export function hashFolder(
  folder: string,
  name: string,
  { isToolchain = false, without = [] }: HashFolderOptions = {},
): string {
  const sums: FileSum[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) continue;
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(folder.length + 1);
    if (without.some((other) => path.startsWith(`${other}/`))) continue;
    const isCopy = isToolchain && entry.name === 'go.mod' && path !== 'go.mod'; // a zip has none but at its root
    if (!isCopy) sums.push({ path, sha256: entry.isFile() ? hash('sha256', readFileSync(full)) : 'no file' });
    else if (!readFileSync(full).equals(readFileSync(join(entry.parentPath, '_go.mod'))))
      sums.push({ path, sha256: '' });
  }
  return hashOne(sums, (path) => `${name}/${path}`);
}

/** Gives the `h1:` hash of a go.mod file alone, as go.sum and the checksum database hold it. */
export function hashGoMod(content: Uint8Array): string {
  return hashOne([{ path: 'go.mod', sha256: hash('sha256', content) }], (path) => path);
}

/** Hash1 of golang.org/x/mod/sumdb/dirhash: SHA-256 over `<sha256>  <name>` lines sorted by name as bytes. */
function hashOne(sums: readonly FileSum[], nameOf: (path: string) => string): string {
  const lines = sums.map(({ path, sha256 }) => ({ name: Buffer.from(nameOf(path)), sha256 }));
  lines.sort((a, b) => Buffer.compare(a.name, b.name));
  const all = createHash('sha256');
  for (const { name, sha256 } of lines) all.update(`${sha256}  `).update(name).update('\n');
  return `h1:${all.digest('base64')}`;
}

function toolchainPlaces(path: string): readonly string[] {
  return /(?:^|\/)_go\.mod$/.test(path) ? [path, path.replace(/_go\.mod$/, 'go.mod')] : [path];
}

/** As cmd/go does after a toolchain's download: programs are what lies in bin and pkg/tool, and lib's exec wrappers. */
function modeInToolchain(path: string): number {
  return /^(?:bin|pkg\/tool)\/|^lib\/(?:.*\/)?go_[^/]+_[^/]+_exec$/.test(path) ? PROGRAM_MODE : FILE_MODE;
}

/** Writes files below a root, making folders as needed; sets modes by hand where the process's umask takes bits away. */
class FolderMaker {
  readonly #root: string;
  readonly #made = new Set<string>();
  readonly #mustChmod: boolean;

  constructor(root: string) {
    this.#root = root;
    const probe = join(root, '.mode');
    mkdirSync(probe, { mode: FOLDER_MODE });
    this.#mustChmod = (statSync(probe).mode & 0o777) !== FOLDER_MODE;
    rmdirSync(probe);
    if (this.#mustChmod || (statSync(root).mode & 0o777) !== FOLDER_MODE) chmodSync(root, FOLDER_MODE);
  }

  write(path: string, content: Uint8Array, mode: number): void {
    this.#makeParents(path);
    const descriptor = openSync(join(this.#root, path), 'wx', mode);
    try {
      for (let at = 0; at < content.length; ) at += writeSync(descriptor, content, at);
      if (this.#mustChmod) fchmodSync(descriptor, mode);
    } finally {
      closeSync(descriptor);
    }
  }

  #makeParents(path: string): void {
    const parent = dirname(path);
    if (parent === '.' || this.#made.has(parent)) return;
    this.#makeParents(parent);
    mkdirSync(join(this.#root, parent), { mode: FOLDER_MODE });
    if (this.#mustChmod) chmodSync(join(this.#root, parent), FOLDER_MODE);
    this.#made.add(parent);
  }
}

function zipSource(descriptor: number): ZipSource {
  const { size } = fstatSync(descriptor);
  return {
    size,
    read(offset, length) {
      if (offset < 0 || offset + length > size) throw new FormatError('ZIP_INVALID', 'the zip file is cut short');
      const buffer = Buffer.allocUnsafe(length);
      for (let at = 0; at < length; ) {
        const count = readSync(descriptor, buffer, at, length - at, offset + at);
        if (count === 0) throw new FormatError('ZIP_INVALID', 'the zip file is cut short');
        at += count;
      }
      return buffer;
    },
  };
}
