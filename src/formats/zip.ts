// SPDX-License-Identifier: Apache-2.0
import { crc32, inflateRawSync } from 'node:zlib';
import { FormatError } from './error.ts';

/** Where a zip file's bytes come from: its size, and reads at a place. Synchronous, since zips are read in worker threads. */
export interface ZipSource {
  readonly size: number;
  /** Gives exactly `length` bytes from `offset`; throws when there are fewer. */
  read(offset: number, length: number): Buffer;
}

/** One entry of the central directory (APPNOTE 4.3.12). Sizes in bytes; `unixMode` is 0 where the maker wrote none. */
export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  readonly compressedSize: number;
  readonly method: number;
  readonly crc32: number;
  readonly unixMode: number;
  readonly headerOffset: number;
}

const END_SIZE = 22;
const END64_SIZE = 56;
const LOCATOR_SIZE = 20;
const MAX_COMMENT = 65_535;
const MAX_DIRECTORY = 128 << 20;

/**
 * Reads the central directory of a zip that is neither encrypted nor in parts; throws {@link FormatError} `ZIP_INVALID`. What the names say is for the caller to judge. */
export function readZipDirectory(source: ZipSource): readonly ZipEntry[] {
  const end = findEnd(source);
  if (end.offset + end.length > source.size || end.length > MAX_DIRECTORY)
    throw damaged('its directory lies outside of it');
  const directory = source.read(end.offset, end.length);
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let count = 0; count < end.entries; count += 1) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== 0x02014b50)
      throw damaged('its directory is broken');
    const next =
      at + 46 + directory.readUInt16LE(at + 28) + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw damaged('its directory is broken');
    entries.push(readEntry(directory.subarray(at, next)));
    at = next;
  }
  if (at !== directory.length) throw damaged('its directory holds more than its entries');
  return entries;
}

/**
 * Gives an entry's content, checked for size and CRC-32. No more than the declared size is ever inflated, so a bomb
 * costs what its directory admits to. Throws {@link FormatError} `ZIP_INVALID`.
 */
export function readZipEntry(source: ZipSource, entry: ZipEntry): Buffer {
  const header = source.read(entry.headerOffset, 30);
  if (header.readUInt32LE(0) !== 0x04034b50) throw damaged(`${entry.name} has no header`);
  const nameLength = header.readUInt16LE(26);
  const start = entry.headerOffset + 30;
  const name = source.read(start, nameLength).toString('utf8');
  if (name !== entry.name) throw damaged(`${entry.name} is called ${JSON.stringify(name)} in its own header`);
  const packed = source.read(start + nameLength + header.readUInt16LE(28), entry.compressedSize);
  const content = unpack(packed, entry);
  if (content.length !== entry.size) throw damaged(`${entry.name} is ${content.length} bytes, not ${entry.size}`);
  if (crc32(content) !== entry.crc32) throw damaged(`${entry.name} does not have its checksum`);
  return content;
}

function unpack(packed: Buffer, entry: ZipEntry): Buffer {
  if (entry.method === 0) return packed;
  if (entry.method !== 8) throw damaged(`${entry.name} is compressed by method ${entry.method}`);
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size) });
  } catch (error) {
    const bomb = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw damaged(bomb ? `${entry.name} is larger than it says` : `${entry.name} cannot be inflated`);
  }
}

function readEntry(record: Buffer): ZipEntry {
  const flags = record.readUInt16LE(8);
  const nameLength = record.readUInt16LE(28);
  const nameBytes = record.subarray(46, 46 + nameLength);
  const name = nameBytes.toString('utf8');
  if (!Buffer.from(name, 'utf8').equals(nameBytes)) throw damaged('a name in it is not UTF-8');
  if ((flags & 1) !== 0) throw damaged(`${name} is encrypted`);
  const wide = wideFields(record.subarray(46 + nameLength, 46 + nameLength + record.readUInt16LE(30)));
  const field = (at: number): number => {
    const value = record.readUInt32LE(at);
    return value === 0xffffffff ? wide() : value;
  };
  const size = field(24);
  const compressedSize = field(20);
  const headerOffset = field(42);
  const madeOnUnix = record.readUInt8(5) === 3 || record.readUInt8(5) === 19;
  return {
    name,
    size,
    compressedSize,
    headerOffset,
    method: record.readUInt16LE(10),
    crc32: record.readUInt32LE(16),
    unixMode: madeOnUnix ? record.readUInt32LE(38) >>> 16 : 0,
  };
}

/** The values of the zip64 extra field (APPNOTE 4.5.3) one after the other, as the 32-bit fields that are full ask for them. */
function wideFields(extra: Buffer): () => number {
  let at = 0;
  while (at + 4 <= extra.length && extra.readUInt16LE(at) !== 1) at += 4 + extra.readUInt16LE(at + 2);
  at += 4;
  return () => {
    if (at + 8 > extra.length) throw damaged('a zip64 field is missing');
    at += 8;
    return safe(extra.readBigUInt64LE(at - 8));
  };
}

function findEnd(source: ZipSource): { entries: number; offset: number; length: number } {
  const length = Math.min(source.size, END_SIZE + MAX_COMMENT);
  const tail = source.read(source.size - length, length);
  for (let at = length - END_SIZE; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== 0x06054b50 || at + END_SIZE + tail.readUInt16LE(at + 20) !== length) continue;
    if (tail.readUInt16LE(at + 4) !== 0 || tail.readUInt16LE(at + 6) !== 0) throw damaged('it is one part of several');
    const end = {
      entries: tail.readUInt16LE(at + 10),
      length: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
    const isWide = end.entries === 0xffff || end.length === 0xffffffff || end.offset === 0xffffffff;
    return isWide ? (findWideEnd(source, source.size - length + at) ?? end) : end;
  }
  throw damaged('it has no end record, so it is cut short or no zip');
}

function findWideEnd(source: ZipSource, end: number): { entries: number; offset: number; length: number } | undefined {
  if (end < LOCATOR_SIZE + END64_SIZE) return undefined;
  const locator = source.read(end - LOCATOR_SIZE, LOCATOR_SIZE);
  if (locator.readUInt32LE(0) !== 0x07064b50) return undefined;
  const at = safe(locator.readBigUInt64LE(8));
  if (at + END64_SIZE > end) throw damaged('its zip64 end record lies outside of it');
  const record = source.read(at, END64_SIZE);
  if (record.readUInt32LE(0) !== 0x06064b50) throw damaged('it has no zip64 end record');
  return {
    entries: safe(record.readBigUInt64LE(32)),
    length: safe(record.readBigUInt64LE(40)),
    offset: safe(record.readBigUInt64LE(48)),
  };
}

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged('a size in it is beyond all bounds');
  return Number(value);
}

function damaged(what: string): FormatError {
  return new FormatError('ZIP_INVALID', `the zip file is not usable: ${what}`);
}
