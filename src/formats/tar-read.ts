// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import type { Header } from 'tar-stream';
import { messageOf } from '#core';
import { FormatError } from './error.ts';

/**
 * One entry of an archive, its path made plain (no leading `./`, no trailing slash; the root itself is `''`). `pax` holds the
 * records of its extended header (POSIX.1-2017 pax), for those that know a vendor's keywords.
 */
export type TarEntry = Readonly<
  { path: string; mode: number; uid: number; gid: number; mtime: Date; pax?: Readonly<Record<string, string>> } & (
    | { kind: 'file'; size: number; body: AsyncIterable<Uint8Array> }
    | { kind: 'directory' }
    | { kind: 'symlink'; target: string }
    | { kind: 'hardlink'; target: string }
  )
>;

/** Limits of one archive, and the name used in errors. */
export interface ReadTarOptions {
  readonly where: string;
  /** 200,000 by default. */
  readonly maxEntries?: number;
  /** The most bytes all files may hold together; the sizes in the headers count, before any byte is read. 8 GiB by default. */
  readonly maxBytes?: number;
}

const MAX_PATH = 4096;

/**
 * Reads a tar archive (ustar, PAX, GNU long names) that may be hostile. Read each file's `body` before asking for the
 * next entry; what is left of it is skipped. Refused, each with its code: kinds other than file, directory, symbolic
 * and hard link, sparse files (`TAR_ENTRY_REFUSED`); absolute names, `..`, NUL, names below a link or a file
 * (`TAR_PATH_ESCAPES`); a name that comes twice (`TAR_PATH_DUPLICATE`); a hard link to no earlier file
 * (`TAR_LINK_DANGLING`); an archive that ends early or without its end mark (`TAR_TRUNCATED`); any other damage
 * (`TAR_INVALID`); too many entries or bytes (`TAR_TOO_LARGE`). Where symbolic links lead is left to the caller to judge.
 */
export async function* readTar(
  bytes: AsyncIterable<Uint8Array>,
  options: ReadTarOptions,
): AsyncGenerator<TarEntry, void, undefined> {
  const { where } = options;
  const { extract: createExtract } = await import('tar-stream');
  const tail = watchTail(bytes);
  const extract = createExtract();
  const input = Readable.from(tail.bytes, { objectMode: false });
  input.on('error', (error) => extract.destroy(error));
  input.pipe(extract);
  const admit = createGate(options);
  const translate = (error: unknown): unknown => {
    if (tail.failure() !== undefined) return tail.failure();
    if (error instanceof FormatError) return error;
    const code = messageOf(error).startsWith('Unexpected end') ? 'TAR_TRUNCATED' : 'TAR_INVALID';
    return new FormatError(code, `damaged tar archive (${messageOf(error)})`, { where, cause: error });
  };
  try {
    for await (const stream of extract) {
      const body =
        stream.header.type === 'file'
          ? { body: bodyOf(stream as AsyncIterable<unknown> as AsyncIterable<Uint8Array>, translate) }
          : {};
      yield { ...admit(stream.header), ...body } as TarEntry;
      stream.resume();
    }
  } catch (error) {
    throw translate(error);
  } finally {
    input.destroy();
    extract.destroy();
  }
  if (!tail.isZero()) throw new FormatError('TAR_TRUNCATED', 'a tar archive lacks its end mark', { where });
}

/** Yields a file's bytes. Never returns the stream's own iterator: that would end the whole archive when a caller breaks off. */
async function* bodyOf(
  stream: AsyncIterable<Uint8Array>,
  translate: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = stream[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await chunks.next();
    } catch (error) {
      throw translate(error);
    }
    if (next.done) return;
    yield next.value;
  }
}

type Admitted = Readonly<Omit<TarEntry, 'kind'> & { kind: string }> & ({ size?: number } | { target?: string });

/** Gives the function that judges header after header, remembering what came before. */
function createGate(options: ReadTarOptions): (header: Header) => Admitted {
  const { where, maxEntries = 200_000, maxBytes = 8 * 2 ** 30 } = options;
  const seen = new Map<string, TarEntry['kind']>();
  const parents = new Set<string>();
  let total = 0;

  function place(path: string, kind: TarEntry['kind']): void {
    if (seen.has(path)) throw new FormatError('TAR_PATH_DUPLICATE', `the name ${show(path)} comes twice`, { where });
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      if ((seen.get(parent) ?? 'directory') !== 'directory') throw escapes(path, where);
      parents.add(parent);
    }
    if (kind !== 'directory' && (path === '' || parents.has(path))) throw escapes(path, where);
    seen.set(path, kind);
    if (seen.size > maxEntries) {
      throw new FormatError('TAR_TOO_LARGE', `a tar archive has more than ${maxEntries} entries`, { where });
    }
  }

  return (header) => {
    const kind = kindOf(header, where);
    const path = plainPath(header.name, where);
    place(path, kind);
    const common = {
      kind,
      path,
      mode: (header.mode ?? 0) & 0o7777,
      uid: paxNumber(header, 'uid', where) ?? header.uid ?? 0,
      gid: paxNumber(header, 'gid', where) ?? header.gid ?? 0,
      ...(header.pax ? { pax: header.pax as Readonly<Record<string, string>> } : {}),
      mtime: new Date(1000 * Math.floor(paxNumber(header, 'mtime', where) ?? (header.mtime?.getTime() ?? 0) / 1000)),
    };
    if (kind === 'file') {
      total += header.size ?? 0;
      if (total > maxBytes) {
        throw new FormatError('TAR_TOO_LARGE', `the files of a tar archive hold more than ${maxBytes} bytes`, {
          where,
        });
      }
      return { ...common, size: header.size ?? 0 };
    }
    if (kind === 'directory') return common;
    return { ...common, target: linkTarget(header, seen, where) };
  };
}

const KINDS: Readonly<Record<string, TarEntry['kind']>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'hardlink',
};

function kindOf(header: Header, where: string): TarEntry['kind'] {
  const kind = KINDS[header.type ?? ''];
  // GNU sparse files: an own type in the old format (read as null), PAX keywords on a plain file in the new ones.
  const sparse = Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse'));
  if (kind !== undefined && !sparse && !(kind !== 'file' && (header.size ?? 0) > 0)) return kind;
  const what = sparse ? 'sparse file' : (header.type ?? 'kind of entry that is not understood');
  throw new FormatError('TAR_ENTRY_REFUSED', `${show(header.name)} is a ${what}, which is not accepted`, { where });
}

/** PAX records that take the place of header fields (POSIX.1-2017 pax, "pax Extended Header"); tar-stream leaves these to us. */
function paxNumber(header: Header, key: 'uid' | 'gid' | 'mtime', where: string): number | undefined {
  const text = (header.pax as Readonly<Record<string, string>> | undefined)?.[key];
  if (text === undefined) return undefined;
  if (/^-?\d{1,12}(\.\d{1,12})?$/.test(text)) return Number(text);
  throw new FormatError('TAR_INVALID', `${show(header.name)} has no usable ${key}`, { where });
}

function linkTarget(header: Header, seen: ReadonlyMap<string, TarEntry['kind']>, where: string): string {
  const target = header.linkname ?? '';
  if (header.type === 'symlink') {
    if (target === '' || target.length > MAX_PATH || /[\0\uFFFD]/.test(target)) {
      throw new FormatError('TAR_INVALID', `the link ${show(header.name)} has no usable target`, { where });
    }
    return target;
  }
  const path = plainPath(target, where);
  if (seen.get(path) !== 'file') {
    throw new FormatError('TAR_LINK_DANGLING', `${show(header.name)} is a hard link to no earlier file`, { where });
  }
  return path;
}

function plainPath(name: string, where: string): string {
  const path = name.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '');
  if (path === '.' || path === '') {
    if (name.startsWith('/')) throw escapes(name, where);
    return '';
  }
  const segments = path.split('/');
  const bad = segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  if (bad || path.length > MAX_PATH || /[\0\uFFFD]/.test(path)) throw escapes(name, where);
  return path;
}

function escapes(name: string, where: string): FormatError {
  return new FormatError('TAR_PATH_ESCAPES', `the name ${show(name)} leads out of its place`, { where });
}

function show(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}...` : name);
}

/** Watches the bytes on their way: an error of theirs, and whether the last 1024 are zero, the end mark of POSIX pax "ustar". */
function watchTail(bytes: AsyncIterable<Uint8Array>) {
  let failure: unknown;
  let last: Buffer = Buffer.alloc(0);
  return {
    failure: () => failure,
    isZero: () => last.length === 1024 && last.every((byte) => byte === 0),
    bytes: (async function* () {
      try {
        for await (const chunk of bytes) {
          const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
          last = Buffer.from(view.length >= 1024 ? view.subarray(-1024) : Buffer.concat([last, view]).subarray(-1024));
          yield view;
        }
      } catch (error) {
        failure = error;
        throw error;
      }
    })(),
  };
}
