// SPDX-License-Identifier: Apache-2.0

/** What a tar header says of one entry. Names are given without a leading slash; `size` (bytes) counts for files only. */
export interface TarHeader {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  readonly size?: number;
  /** Where a symlink or hardlink points. */
  readonly target?: string;
}

/** Tar's unit: headers and bodies fill whole blocks of this many bytes (POSIX pax, "ustar Interchange Format"). */
export const TAR_BLOCK = 512;

const TYPE = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;

/**
 * Gives an entry's header blocks: ustar where that can say it all, else a pax extended header before it
 * (POSIX.1-2017 pax, "pax Extended Header"). Same header, same bytes: no owner names, no process id, no host's time.
 * Throws RangeError on numbers that are not whole and not negative, and on a NUL or lone surrogate in a name.
 */
export function tarHeader(header: TarHeader): Buffer {
  for (const [name, value] of Object.entries({ mode: header.mode, uid: header.uid, gid: header.gid })) {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`tar ${name} of ${header.path}: ${value}`);
  }
  if (!Number.isSafeInteger(header.mtime)) throw new RangeError(`tar mtime of ${header.path}: ${header.mtime}`);
  const size = header.kind === 'file' ? (header.size ?? 0) : 0;
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`tar size of ${header.path}: ${size}`);
  const path = header.kind === 'directory' ? `${header.path}/` : header.path;
  const target = header.kind === 'symlink' || header.kind === 'hardlink' ? (header.target ?? '') : '';
  for (const name of [path, target]) {
    if (name.includes('\0') || !name.isWellFormed())
      throw new RangeError(`tar can't hold the name ${JSON.stringify(name)}`);
  }
  const fields = { ...header, size, type: TYPE[header.kind] };
  const records: [string, string][] = [];
  const split = splitName(path);
  if (split === undefined) records.push(['path', path]);
  if (!fitsAscii(target)) records.push(['linkpath', target]);
  if (size > MAX_OCTAL_11) records.push(['size', String(size)]);
  if (header.uid > MAX_OCTAL_7) records.push(['uid', String(header.uid)]);
  if (header.gid > MAX_OCTAL_7) records.push(['gid', String(header.gid)]);
  if (header.mtime < 0 || header.mtime > MAX_OCTAL_11) records.push(['mtime', String(header.mtime)]);
  const block = ustarBlock({ ...fields, ...(split ?? { prefix: '', name: shorten(path) }), target });
  return records.length === 0 ? block : Buffer.concat([paxBlocks(records), block]);
}

/** One for all bodies: memory of its own for each of thousands would be work for the garbage collector. */
const ZEROS = Buffer.alloc(TAR_BLOCK);

/** Takes a body's size in bytes; gives the zeros that fill its last block, to be read only: their memory is shared. */
export function tarPadding(size: number): Buffer {
  return ZEROS.subarray(0, (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}

/** Gives the end of an archive: two blocks of zeros. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * TAR_BLOCK);
}

interface Fields {
  readonly prefix: string;
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly type: string;
  readonly target: string;
}

function ustarBlock(fields: Fields): Buffer {
  const block = Buffer.allocUnsafe(TAR_BLOCK).fill(0); // from Node's pool, unlike what `alloc` gives
  block.write(fields.name, 0, NAME_BYTES, 'utf8');
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(fields.uid > MAX_OCTAL_7 ? 0 : fields.uid, 7), 108, 'latin1');
  block.write(octal(fields.gid > MAX_OCTAL_7 ? 0 : fields.gid, 7), 116, 'latin1');
  block.write(octal(fields.size > MAX_OCTAL_11 ? 0 : fields.size, 11), 124, 'latin1');
  block.write(octal(fields.mtime < 0 || fields.mtime > MAX_OCTAL_11 ? 0 : fields.mtime, 11), 136, 'latin1');
  block.write('        ', 148, 'latin1'); // the checksum is taken with its own field as spaces
  block.write(fields.type, 156, 'latin1');
  block.write(shorten(fields.target), 157, NAME_BYTES, 'utf8');
  block.write('ustar\u000000', 257, 'latin1');
  block.write(octal(0, 7), 329, 'latin1');
  block.write(octal(0, 7), 337, 'latin1');
  block.write(fields.prefix, 345, PREFIX_BYTES, 'utf8');
  let sum = 0;
  for (let at = 0; at < TAR_BLOCK; at += 1) sum += block[at] ?? 0; // an iterator takes several times as long
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A pax extended header: `LENGTH KEY=VALUE\n` records as a file of type `x`, where LENGTH counts itself. */
function paxBlocks(records: readonly (readonly [string, string])[]): Buffer {
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const header = ustarBlock({
    prefix: '',
    name: 'PaxHeaders/entry', // one name for all: readers ignore it, and a short one can't depend on the entry
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    type: 'x',
    target: '',
  });
  return Buffer.concat([header, body, tarPadding(body.length)]);
}

function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`, 'utf8');
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length), 'latin1'), rest]);
}

/** Splits a name over ustar's prefix and name fields at a slash; undefined when it does not fit or is not ASCII. */
function splitName(path: string): { readonly prefix: string; readonly name: string } | undefined {
  if (fitsAscii(path)) return { prefix: '', name: path };
  if (!isAscii(path)) return undefined;
  const slash = path.lastIndexOf('/', PREFIX_BYTES);
  if (slash <= 0) return undefined;
  const name = path.slice(slash + 1);
  return name === '' || name.length > NAME_BYTES ? undefined : { prefix: path.slice(0, slash), name };
}

function fitsAscii(text: string): boolean {
  return text.length <= NAME_BYTES && isAscii(text);
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

/** What stands in the old field when a pax record says the real name; readers of pax ignore it. */
function shorten(text: string): string {
  return fitsAscii(text) ? text : text.replace(/[^\x21-\x7e]/gu, '_').slice(0, NAME_BYTES);
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}
