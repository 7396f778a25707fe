// SPDX-License-Identifier: Apache-2.0
import { type ReadAt, readElf } from './elf.ts';

/** The path of the module as which Go's frozen cryptographic module is built (cmd/go, GOFIPS140). */
export const FIPS_MODULE_PATH = 'golang.org/fips140';

/** The first bytes of the function table since Go 1.20 (package internal/abi, `Go120PCLnTabMagic`, little-endian). */
const MAGIC = 0xfffffff1;
const HEADER_BYTES = 72;
/** Ten times what the largest programs known have. */
const MAX_BYTES = 128 << 20;
const MAX_FUNCTIONS = 4_000_000;

/**
 * Gives the import paths of the packages that have a function in a Go program, sorted. What the runtime does in the
 * name of a package (go:linkname) counts as that package's. Gives undefined where {@link readGoFunctions} does.
 */
export async function readGoPackages(readAt: ReadAt): Promise<readonly string[] | undefined> {
  const functions = await readGoFunctions(readAt);
  return functions === undefined ? undefined : packagesOfFunctions(functions);
}

/** Takes names of functions as {@link readGoFunctions} gives them; gives the import paths of their packages, sorted. */
export function packagesOfFunctions(functions: readonly string[]): readonly string[] {
  return [...new Set(functions.flatMap((name) => packageOf(name) ?? []))].sort();
}

/**
 * Gives the names of the functions in a Go program, as the linker writes them. They come from the table that the runtime prints
 * stacks with (section .gopclntab; package debug/gosym), which stays in a stripped program. Gives undefined where the program
 * has no such table, or one of another form.
 */
export async function readGoFunctions(readAt: ReadAt): Promise<readonly string[] | undefined> {
  const elf = await readElf(readAt);
  const section = elf?.sections.find(({ name }) => name === '.gopclntab' || name === '.data.rel.ro.gopclntab');
  if (section === undefined || section.size < HEADER_BYTES) return undefined;
  const header = await readAt(section.offset, HEADER_BYTES);
  if (header.length < HEADER_BYTES || header.readUInt32LE(0) !== MAGIC || header[7] !== 8) return undefined;
  const [names, end] = [Number(header.readBigUInt64LE(32)), Number(header.readBigUInt64LE(40))];
  if (names > end || end > section.size || end - names > MAX_BYTES) return undefined;
  const table = await readAt(section.offset + names, end - names);
  const functions: string[] = [];
  for (let from = 0; from < table.length; ) {
    const until = table.indexOf(0, from);
    if (until > from) functions.push(table.toString('utf8', from, until));
    if (until === -1 || functions.length > MAX_FUNCTIONS) break;
    from = until + 1;
  }
  return functions.length > MAX_FUNCTIONS ? undefined : functions;
}

/**
 * Takes a linker symbol such as `gopkg.in/yaml%2ev3.(*Decoder).Decode[...]`; gives its package, `gopkg.in/yaml.v3`. What the
 * compiler makes by itself (`type:.eq.`, `go:`) belongs to none.
 */
function packageOf(symbol: string): string | undefined {
  if (/^(?:type|go):/.test(symbol)) return undefined;
  const plain = /^[^([]*/.exec(symbol)?.[0] ?? '';
  const dot = plain.indexOf('.', plain.lastIndexOf('/') + 1);
  if (dot <= 0) return undefined;
  return plain.slice(0, dot).replace(/%([0-9a-f]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
