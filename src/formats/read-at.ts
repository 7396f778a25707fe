// SPDX-License-Identifier: Apache-2.0
import type { ReadAt } from './elf.ts';

/** What of an open file (node:fs/promises FileHandle) is needed to read parts of it. */
interface OpenFile {
  stat(): Promise<{ readonly size: number }>;
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number; readonly buffer: Buffer }>;
}

/** Takes an open file; gives a reader of its parts, which reserves no more memory than the file has bytes, whatever a header says. */
export async function readerOf(file: OpenFile): Promise<{ readonly readAt: ReadAt; readonly size: number }> {
  const { size } = await file.stat();
  return {
    size,
    readAt: async (offset, length) => {
      const there = Math.max(0, Math.min(length, size - offset));
      if (there === 0) return Buffer.alloc(0);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(there), 0, there, offset);
      return buffer.subarray(0, bytesRead);
    },
  };
}
