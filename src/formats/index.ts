// SPDX-License-Identifier: Apache-2.0
export { canonicalJson, readableJson } from './canonical-json.ts';
export type { Json } from './canonical-json.ts';
export { readElf } from './elf.ts';
export type { ElfFile, ElfSection, ReadAt } from './elf.ts';
export { readGoBuildInfo } from './go-build-info.ts';
export type { BuiltModule, GoBuildInfo } from './go-build-info.ts';
