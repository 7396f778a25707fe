// SPDX-License-Identifier: Apache-2.0
import type { EpssEntry } from './feed.ts';

/** One row; score and percentile in units of 1e-9, so that nothing is rounded. */
export interface EpssRow {
  readonly year: number;
  readonly number: number;
  readonly score: number;
  readonly percentile: number;
}

/** The unit of {@link EpssRow}. */
export const EPSS_UNIT = 1e9;

const ROW = 16;
const HEADER = 16;

/** Takes rows in any order, and their day; gives the table: the day in 16 bytes, then rows of four 32-bit numbers (little endian) sorted by CVE. */
export function writeEpssTable(rows: readonly EpssRow[], date: string): Buffer {
  const sorted = rows.toSorted(compareRows);
  const table = Buffer.alloc(HEADER + sorted.length * ROW);
  table.write(date, 'latin1');
  let at = HEADER;
  for (const row of sorted) {
    table.writeUInt32LE(row.year, at);
    table.writeUInt32LE(row.number, at + 4);
    table.writeUInt32LE(row.score, at + 8);
    table.writeUInt32LE(row.percentile, at + 12);
    at += ROW;
  }
  return table;
}

/** A table as it lies on disk: a look-up reads a few rows of some hundred thousand. */
export interface EpssTable {
  /** Bytes. */
  readonly size: number;
  read(offset: number, length: number): Buffer;
}

/** Finds a CVE's row in a table; undefined where it has none. */
export function findEpss(table: EpssTable, cve: string): EpssEntry | undefined {
  const match = /^CVE-(\d{4})-(\d{4,10})$/.exec(cve);
  if (match === null) return undefined;
  const wanted = { year: Number(match[1]), number: Number(match[2]) };
  let low = 0;
  let high = Math.floor((table.size - HEADER) / ROW) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const row = table.read(HEADER + middle * ROW, ROW);
    const order = compareRows({ year: row.readUInt32LE(0), number: row.readUInt32LE(4) }, wanted);
    if (order === 0) {
      const date = table.read(0, 10).toString('latin1');
      const score = row.readUInt32LE(8) / EPSS_UNIT;
      return { cve, score, percentile: row.readUInt32LE(12) / EPSS_UNIT, date };
    }
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

function compareRows(a: Pick<EpssRow, 'year' | 'number'>, b: Pick<EpssRow, 'year' | 'number'>): number {
  return a.year - b.year || a.number - b.number;
}
