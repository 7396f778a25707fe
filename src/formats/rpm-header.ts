// SPDX-License-Identifier: Apache-2.0
import { FormatError } from './error.ts';

/** A package that rpm has installed. */
export interface RpmPackage {
  readonly name: string;
  /** `VERSION-RELEASE`, without the epoch. */
  readonly version: string;
  /** Above 0 where the package has one. */
  readonly epoch: number;
  readonly architecture: string;
  /** The file name of the source package: `openssl-3.2.2-6.el9.src.rpm`; empty where the header tells none. */
  readonly sourcePackage: string;
  /** As the package says; not always an SPDX expression. */
  readonly licence: string;
  readonly vendor: string;
  readonly homepage: string;
  /** Its files and folders, without a leading slash. */
  readonly paths: readonly string[];
}

/** Tags of a header (rpm's "Package Tags"). */
const TAGS = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  vendor: 1011,
  licence: 1014,
  url: 1020,
  architecture: 1022,
  sourcePackage: 1044,
  folderIndexes: 1116,
  baseNames: 1117,
  folderNames: 1118,
} as const;

const INTRO_BYTES = 8;
const ENTRY_BYTES = 16;
const INT32 = 4;
const STRING = 6;
const STRING_ARRAY = 8;
const I18N_STRING = 9;
const MAX_FILES = 500_000;

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/**
 * Takes a header as rpm's database holds it (rpm's "RPM V4 Package format", "Header": counts, index, data; no magic); gives the
 * package, undefined for what is none (`gpg-pubkey`, a key). Throws `RPM_INVALID`.
 */
export function parseRpmHeader(bytes: Uint8Array, where: string): RpmPackage | undefined {
  const header = openHeader(bytes, where);
  const name = header.text(TAGS.name);
  if (name === 'gpg-pubkey') return undefined;
  const [version, release] = [header.text(TAGS.version), header.text(TAGS.release)];
  if (name === '' || version === '') throw invalid('a package has no name or no version', where);
  return {
    name,
    version: release === '' ? version : `${version}-${release}`,
    epoch: header.numbers(TAGS.epoch)[0] ?? 0,
    architecture: header.text(TAGS.architecture),
    sourcePackage: header.text(TAGS.sourcePackage),
    licence: header.text(TAGS.licence),
    vendor: header.text(TAGS.vendor),
    homepage: header.text(TAGS.url),
    paths: pathsOf(header, where),
  };
}

interface Header {
  text(tag: number): string;
  texts(tag: number): readonly string[];
  numbers(tag: number): readonly number[];
}

function openHeader(bytes: Uint8Array, where: string): Header {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < INTRO_BYTES) throw invalid('a header is cut short', where);
  const count = view.readUInt32BE(0);
  const start = INTRO_BYTES + count * ENTRY_BYTES;
  if (start + view.readUInt32BE(4) !== view.length) throw invalid('a header has another size than it says', where);
  const entries = new Map<number, Entry>();
  for (let at = INTRO_BYTES; at < start; at += ENTRY_BYTES) {
    const [tag, type, offset, items] = [0, 4, 8, 12].map((step) => view.readUInt32BE(at + step)) as [
      number,
      number,
      number,
      number,
    ];
    entries.set(tag, { type, offset: start + offset, count: items });
  }
  const strings = (entry: Entry | undefined): string[] => {
    if (entry === undefined) return [];
    if (![STRING, STRING_ARRAY, I18N_STRING].includes(entry.type)) throw invalid('a tag has another type', where);
    return readStrings(view, entry, where);
  };
  return {
    text: (tag) => strings(entries.get(tag))[0] ?? '',
    texts: (tag) => strings(entries.get(tag)),
    numbers: (tag) => {
      const entry = entries.get(tag);
      if (entry === undefined) return [];
      const end = entry.offset + entry.count * INT32;
      if (entry.type !== INT32 || end > view.length) throw invalid('a list of numbers does not fit', where);
      return Array.from({ length: entry.count }, (_, index) => view.readUInt32BE(entry.offset + index * INT32));
    },
  };
}

function readStrings(view: Buffer, entry: Entry, where: string): string[] {
  const wanted = entry.type === STRING ? 1 : entry.count;
  if (wanted > MAX_FILES) throw invalid(`a list has more than ${MAX_FILES} names`, where);
  const found: string[] = [];
  for (let at = entry.offset; found.length < wanted; ) {
    const end = at >= view.length ? -1 : view.indexOf(0, at);
    if (end === -1) throw invalid('a text does not end', where);
    found.push(view.toString('utf8', at, end));
    at = end + 1;
  }
  return found;
}

/** Names are kept in two parts: the folder, by its index, and the rest (rpm's "File info", `DIRINDEXES`). */
function pathsOf(header: Header, where: string): readonly string[] {
  const folders = header.texts(TAGS.folderNames);
  const indexes = header.numbers(TAGS.folderIndexes);
  return header.texts(TAGS.baseNames).map((name, at) => {
    const folder = folders[indexes[at] ?? -1];
    if (folder === undefined) throw invalid('a file is in a folder that is not listed', where);
    return `${folder}${name}`.replace(/^\/+/, '');
  });
}

function invalid(message: string, where: string): FormatError {
  return new FormatError('RPM_INVALID', `rpm's database can't be read: ${message}`, { where });
}
