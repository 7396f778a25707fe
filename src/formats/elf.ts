// SPDX-License-Identifier: Apache-2.0

/** Reads `length` bytes at `offset` of a file; gives fewer at its end. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

/** One section of an ELF file: its name and the bytes it spans in the file. */
export interface ElfSection {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** What Oakum asks of an ELF file. `interpreter` is set for a dynamically linked program (PT_INTERP). */
export interface ElfFile {
  readonly machine: 'amd64' | 'arm64' | 'other';
  readonly interpreter: string | undefined;
  /** Whether it has a dynamic section (PT_DYNAMIC): a static program has none, a static-pie one has. */
  readonly dynamic: boolean;
  readonly sections: readonly ElfSection[];
}

const MACHINES: Readonly<Record<number, 'amd64' | 'arm64'>> = { 62: 'amd64', 183: 'arm64' };
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const SHT_NOBITS = 8;
const MAX_ENTRIES = 4096;

/**
 * Reads the headers of a 64-bit little-endian ELF file (System V ABI, chapters 4 and 5). Gives undefined where the bytes are not one.
 */
export async function readElf(readAt: ReadAt): Promise<ElfFile | undefined> {
  const header = await readAt(0, 64);
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1)
    return undefined;
  const segments = await readTable(readAt, {
    offset: Number(header.readBigUInt64LE(32)),
    entrySize: header.readUInt16LE(54),
    count: header.readUInt16LE(56),
    least: 56,
  });
  const rows = await readTable(readAt, {
    offset: Number(header.readBigUInt64LE(40)),
    entrySize: header.readUInt16LE(58),
    count: header.readUInt16LE(60),
    least: 64,
  });
  const interpreter = segments.find((segment) => segment.readUInt32LE(0) === PT_INTERP);
  return {
    machine: MACHINES[header.readUInt16LE(18)] ?? 'other',
    interpreter: interpreter === undefined ? undefined : await readInterpreter(readAt, interpreter),
    dynamic: segments.some((segment) => segment.readUInt32LE(0) === PT_DYNAMIC),
    sections: await readSections(readAt, rows, header.readUInt16LE(62)),
  };
}

interface Table {
  readonly offset: number;
  readonly entrySize: number;
  readonly count: number;
  readonly least: number;
}

async function readTable(readAt: ReadAt, table: Table): Promise<Buffer[]> {
  if (table.count === 0 || table.count > MAX_ENTRIES || table.entrySize < table.least) return [];
  const bytes = await readAt(table.offset, table.entrySize * table.count);
  const rows = Array.from({ length: table.count }, (_, index) =>
    bytes.subarray(index * table.entrySize, (index + 1) * table.entrySize),
  );
  return rows.filter((row) => row.length >= table.least);
}

async function readInterpreter(readAt: ReadAt, segment: Buffer): Promise<string> {
  const bytes = await readAt(Number(segment.readBigUInt64LE(8)), Math.min(4096, Number(segment.readBigUInt64LE(32))));
  return textUntilNul(bytes, 0);
}

async function readSections(readAt: ReadAt, rows: readonly Buffer[], namesIndex: number): Promise<ElfSection[]> {
  const spanOf = (row: Buffer) => ({ offset: Number(row.readBigUInt64LE(24)), size: Number(row.readBigUInt64LE(32)) });
  const namesRow = rows[namesIndex];
  if (namesRow === undefined) return [];
  const span = spanOf(namesRow);
  const names = await readAt(span.offset, Math.min(span.size, 1 << 20));
  return rows
    .filter((row) => row.readUInt32LE(4) !== SHT_NOBITS)
    .map((row) => ({ name: textUntilNul(names, row.readUInt32LE(0)), ...spanOf(row) }));
}

function textUntilNul(bytes: Buffer, from: number): string {
  const end = bytes.indexOf(0, from);
  return bytes.toString('latin1', from, end === -1 ? bytes.length : end);
}
