// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  type ElfFile,
  type GoBuildInfo,
  packagesOfFunctions,
  type ReadAt,
  readElf,
  readerOf,
  readGoBuildInfo,
  readGoFunctions,
} from '#formats';
import { type BoringFacts, readBoringFacts } from './boring.ts';
import { type FipsFacts, readFipsFacts } from './crypto.ts';

/** What a Go program tells of itself. `packages` are those linked in, the main one by its import path. */
export interface GoProgram {
  readonly kind: 'go';
  readonly elf: ElfFile;
  readonly info: GoBuildInfo;
  readonly packages: readonly string[];
  readonly fips: FipsFacts;
  readonly boring: BoringFacts;
}

/** A program that is not of Go (`other`), or a file that may be one and tells nothing (`unreadable`); and why. */
export interface OtherProgram {
  readonly kind: 'other' | 'unreadable';
  readonly why: string;
}

/** Reads a program that a stranger or a step has written, without following links. */
export async function readProgram(path: string): Promise<GoProgram | OtherProgram> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { readAt, size } = await readerOf(file);
    const elf = await readElf(readAt);
    if (elf === undefined) return whyNoElf(readAt);
    const info = await readGoBuildInfo(readAt);
    const cut = elf.sections.find(({ offset, size: bytes }) => offset + bytes > size);
    if (cut !== undefined) return unreadable(`it is cut off: ${cut.name || 'a section'} ends behind its last byte`);
    if (info === undefined) return withoutInfo(readAt, elf);
    const functions = (await readGoFunctions(readAt)) ?? [];
    const packages = packagesOfFunctions(functions).map((one) => (one === 'main' ? info.path : one));
    return {
      kind: 'go',
      elf,
      info,
      packages,
      fips: await readFipsFacts(readAt, elf, info, packages),
      boring: await readBoringFacts(readAt, elf, info, functions),
    };
  } finally {
    await file.close();
  }
}

function unreadable(why: string): OtherProgram {
  return { kind: 'unreadable', why };
}

async function whyNoElf(readAt: ReadAt): Promise<OtherProgram> {
  const head = await readAt(0, 64);
  if (head.length === 0) return { kind: 'other', why: 'it is empty' };
  if (head.subarray(0, 2).toString('latin1') === '#!') return { kind: 'other', why: 'it is a script' };
  if (head.subarray(0, 4).toString('latin1') !== '\x7fELF')
    return { kind: 'other', why: 'it is no program for Linux (ELF)' };
  if (head.length < 64) return unreadable('it is cut off within its header');
  const form = `${head[4] === 2 ? '64' : '32'}-bit ${head[5] === 1 ? 'little' : 'big'}-endian`;
  return unreadable(`it is a ${form} program, of an architecture that is not looked into`);
}

const PACKED = Buffer.from('UPX!');

async function withoutInfo(readAt: ReadAt, elf: ElfFile): Promise<OtherProgram> {
  if ((await readAt(0, 4096)).includes(PACKED))
    return unreadable('it is packed (UPX): what is in it shows only when it runs');
  if (elf.sections.some(({ name }) => name.startsWith('.note.go.') || name.endsWith('gopclntab')))
    return unreadable('it is a Go program whose build information was removed');
  if (elf.sections.length === 0)
    return unreadable('it has no sections (removed, packed or cut off): nothing can be read from it');
  return { kind: 'other', why: 'it is no Go program' };
}
