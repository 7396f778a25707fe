// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import { latest } from '../match/clear-from.ts';
import { orderOf } from '../match/version-order.ts';
import type { FileWriter } from './folder-writer.ts';
import type { HeldFile } from './record.ts';

/** One record to keep: its JSON, always the same for the same content; the keys that find it; its ids and aliases. */
export interface Line {
  readonly json: string;
  readonly keys: readonly string[];
  readonly ids: readonly string[];
  /** For a key the version from which on the record says nothing of it; a key without one may be touched in any version. */
  readonly clearFrom?: ReadonlyMap<string, string>;
}

/** A set of lines being written, in the order given. */
export interface LineWriter {
  add(line: Line): Promise<void>;
  readonly count: number;
}

/** Keys and their ranges: offset, length and CRC-32 of each, one after the other. */
export type RangeTable = ReadonlyMap<string, readonly number[]>;

/** A line writer as its draft sees it; `finish` closes the file and gives its indexes. */
export interface OpenLineWriter extends LineWriter {
  finish(): Promise<LineTables>;
}

/** A closed file of lines, and what finds its records; `clearFrom` has the keys that all their records are clear from. */
export interface LineTables {
  readonly file: HeldFile;
  readonly keys: RangeTable;
  readonly ids: RangeTable;
  readonly clearFrom: ReadonlyMap<string, string>;
}

/** Starts a set of lines, those of the ecosystem `name` or of another feed, in a file. */
export function createLineWriter(file: FileWriter, name: string): OpenLineWriter {
  const clear = clearTable(name);
  const keys = new Map<string, number[]>();
  const ids = new Map<string, number[]>();
  /** The key whose last range may still grow: that of a line with no other key. */
  let growing: string | undefined;
  let offset = 0;
  let count = 0;
  return {
    get count() {
      return count;
    },
    async add({ json, ...line }) {
      const bytes = Buffer.from(`${json}\n`);
      const range = [offset, bytes.length, crc32(bytes)] as const;
      const [only, ...others] = line.keys;
      if (only !== undefined && only === growing && others.length === 0) grow(keys.get(only), bytes);
      else for (const key of line.keys) push(keys, key, range);
      growing = others.length === 0 ? only : undefined;
      for (const id of line.ids) push(ids, id, range);
      clear.add(line);
      offset += bytes.length;
      count += 1;
      await file.append(bytes);
    },
    finish: async () => ({ file: await file.close(), keys, ids, clearFrom: clear.table() }),
  };
}

/** The version from which on no record of a key says anything of it, as the records come. */
function clearTable(ecosystem: string) {
  const order = orderOf(ecosystem);
  const versions = new Map<string, string | undefined>();
  return {
    add({ keys, clearFrom }: Omit<Line, 'json'>) {
      if (order === undefined) return;
      for (const key of keys) {
        const own = clearFrom?.get(key);
        versions.set(key, versions.has(key) ? latest([versions.get(key), own], order) : own);
      }
    },
    table: () =>
      new Map([...versions].flatMap(([key, version]) => (version === undefined ? [] : [[key, version] as const]))),
  };
}

/** Writes an index as JSON, key by key: as one text it would be the largest value in memory. */
export async function writeIndex(file: FileWriter, table: RangeTable): Promise<HeldFile> {
  let text = '{';
  for (const [key, ranges] of table) {
    text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:[${ranges.join(',')}]`;
    if (text.length < 65_536) continue;
    await file.append(Buffer.from(text));
    text = '';
  }
  await file.append(Buffer.from(`${text}}`));
  return file.close();
}

function push(table: Map<string, number[]>, key: string, range: readonly [number, number, number]): void {
  const ranges = table.get(key);
  if (ranges === undefined) table.set(key, [...range]);
  else ranges.push(...range);
}

/** Makes the last range longer by the bytes that follow it. */
function grow(ranges: number[] | undefined, bytes: Uint8Array): void {
  const last = ranges === undefined ? -1 : ranges.length - 2;
  if (ranges === undefined || last < 0) return;
  ranges[last] = (ranges[last] ?? 0) + bytes.length;
  ranges[last + 1] = crc32(bytes, ranges[last + 1]);
}
