// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type ElfFile, type GoBuildInfo, type ReadAt, readElf, readGoBuildInfo, readGoPackages } from '#formats';
import { type FipsFacts, readFipsFacts } from './crypto.ts';

/** What a Go program tells of itself. `packages` are those linked in, the main one by its import path. */
export interface GoProgram {
  readonly elf: ElfFile;
  readonly info: GoBuildInfo;
  readonly packages: readonly string[];
  readonly fips: FipsFacts;
}

/** Reads a program that a step has written, without following links; undefined where it is no Go program for Linux. */
export async function readProgram(path: string): Promise<GoProgram | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const readAt: ReadAt = async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    const [elf, info] = [await readElf(readAt), await readGoBuildInfo(readAt)];
    if (elf === undefined || info === undefined) return undefined;
    const linked = (await readGoPackages(readAt)) ?? [];
    const packages = linked.map((one) => (one === 'main' ? info.path : one));
    return { elf, info, packages, fips: await readFipsFacts(readAt, elf, info, packages) };
  } finally {
    await file.close();
  }
}
