// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import type { FileWriter } from './folder-writer.ts';
import { stableJson } from './json.ts';
import type { ByteRange, LineIndex } from './lines.ts';
import type { HeldFile } from './record.ts';

/** One record to keep: its value, the keys that find it, and its ids and aliases. */
export interface Line {
  readonly value: unknown;
  readonly keys: readonly string[];
  readonly ids: readonly string[];
}

/** A set of lines being written, in the order given. */
export interface LineWriter {
  add(line: Line): Promise<void>;
  readonly count: number;
}

/** A line writer as its draft sees it. */
export interface OpenLineWriter extends LineWriter {
  finish(): Promise<{ readonly file: HeldFile; readonly keys: LineIndex; readonly ids: LineIndex }>;
}

/** Starts a set of lines in a file; `finish` closes it and gives its indexes. */
export function createLineWriter(file: FileWriter): OpenLineWriter {
  const keys = new Map<string, ByteRange[]>();
  const ids = new Map<string, ByteRange[]>();
  /** The keys whose last range may still grow: those of lines with no other key. */
  let growing: string | undefined;
  let offset = 0;
  let count = 0;
  const push = (index: Map<string, ByteRange[]>, key: string, range: ByteRange) => {
    const ranges = index.get(key);
    if (ranges === undefined) index.set(key, [range]);
    else ranges.push(range);
  };
  return {
    get count() {
      return count;
    },
    async add(line: Line): Promise<void> {
      const bytes = Buffer.from(`${stableJson(line.value)}\n`);
      const range: ByteRange = [offset, bytes.length, crc32(bytes)];
      const only = line.keys.length === 1 ? line.keys[0] : undefined;
      const last = only === undefined || only !== growing ? undefined : keys.get(only)?.pop();
      if (only !== undefined && last !== undefined)
        push(keys, only, [last[0], last[1] + bytes.length, crc32(bytes, last[2])]);
      else for (const key of line.keys) push(keys, key, range);
      growing = only;
      for (const id of line.ids) push(ids, id, range);
      offset += bytes.length;
      count += 1;
      await file.append(bytes);
    },
    async finish() {
      return { file: await file.close(), keys: Object.fromEntries(keys), ids: Object.fromEntries(ids) };
    },
  };
}
