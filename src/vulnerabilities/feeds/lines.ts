// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { damaged } from './record.ts';

/**
 * Records as lines of JSON, with an index that finds those of a key without reading the others:
 * `NAME.jsonl`, `NAME.keys.json` (key to ranges of bytes) and `NAME.ids.json` (id or alias to ranges); where the records are
 * advisories also `NAME.clear.json` (key to the version from which on no record says anything of it).
 */
type ByteRange = readonly [offset: number, length: number, crc32: number];

/** An index as it lies on disk: offset, length and CRC-32 of each range, one after the other. */
type LineIndex = Readonly<Record<string, readonly number[]>>;

/** Gives the file names of a set of lines: an ecosystem's name can hold characters that paths can't. */
export function lineFiles(name: string) {
  const safe = encodeURIComponent(name);
  return {
    lines: `${safe}.jsonl`,
    keys: `${safe}.keys.json`,
    ids: `${safe}.ids.json`,
    clear: `${safe}.clear.json`,
  } as const;
}

/** Reads one set of lines; the index is read once, lines each time. Throws `FEED_DAMAGED`. */
export interface LineReader {
  byKeys(keys: ReadonlySet<string>): readonly unknown[];
  byIds(ids: ReadonlySet<string>): readonly unknown[];
  all(): readonly unknown[];
  hasKey(key: string): boolean;
  /** The version of a package from which on no record says anything of it; undefined where none is known. */
  clearFrom(key: string): string | undefined;
  /** A text for each key that is another one when its records are: their lengths and checksums, without their places. */
  fingerprints(): ReadonlyMap<string, string>;
}

/** Opens the set of lines called `name` in a snapshot's folder. */
export function openLines(folder: string, name: string): LineReader {
  const files = lineFiles(name);
  const indexes = new Map<string, LineIndex>();
  let clear: Readonly<Record<string, unknown>> | undefined;
  const indexOf = (file: string): LineIndex => {
    const index = indexes.get(file) ?? (readIndex(join(folder, file)) as LineIndex);
    indexes.set(file, index);
    return index;
  };
  const read = (file: string, wanted: ReadonlySet<string>): readonly unknown[] => {
    const index = indexOf(file);
    const ranges = new Map<number, ByteRange>();
    for (const key of wanted) {
      if (!Object.hasOwn(index, key)) continue;
      for (const range of rangesOf(index[key], join(folder, file))) ranges.set(range[0], range);
    }
    return readRanges(join(folder, files.lines), [...ranges.values()]);
  };
  return {
    byKeys: (keys) => read(files.keys, keys),
    byIds: (ids) => read(files.ids, ids),
    fingerprints: () =>
      new Map(
        Object.entries(indexOf(files.keys)).map(([key, numbers]) => [
          key,
          numbers.filter((_, position) => position % 3 !== 0).join(),
        ]),
      ),
    hasKey: (key) => Object.hasOwn(indexOf(files.keys), key),
    clearFrom(key) {
      clear ??= existsSync(join(folder, files.clear)) ? readIndex(join(folder, files.clear)) : {};
      const version = Object.hasOwn(clear, key) ? clear[key] : undefined;
      return typeof version === 'string' ? version : undefined;
    },
    all: () => parseLines(readWhole(join(folder, files.lines)), join(folder, files.lines)),
  };
}

function rangesOf(numbers: unknown, path: string): readonly ByteRange[] {
  if (!Array.isArray(numbers) || numbers.length % 3 !== 0 || !numbers.every(isPlace)) throw damaged(path);
  const ranges: ByteRange[] = [];
  for (let at = 0; at < numbers.length; at += 3) ranges.push([numbers[at], numbers[at + 1], numbers[at + 2]]);
  return ranges;
}

function isPlace(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function readIndex(path: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readWhole(path).toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    throw damaged(path);
  }
}

function readWhole(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw damaged(path);
  }
}

function readRanges(path: string, ranges: readonly ByteRange[]): readonly unknown[] {
  if (ranges.length === 0) return [];
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    throw damaged(path);
  }
  try {
    const { size } = fstatSync(file);
    const values: unknown[] = [];
    // Ranges of one index never overlap: only those of lines with a single key are joined.
    for (const [offset, length, sum] of ranges.toSorted((a, b) => a[0] - b[0])) {
      if (offset + length > size) throw damaged(path);
      const bytes = Buffer.allocUnsafe(length);
      if (readSync(file, bytes, 0, length, offset) !== length || crc32(bytes) !== sum) throw damaged(path);
      values.push(...parseLines(bytes, path));
    }
    return values;
  } finally {
    closeSync(file);
  }
}

function parseLines(bytes: Buffer, path: string): readonly unknown[] {
  try {
    return bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  } catch {
    throw damaged(path);
  }
}
