// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Digest } from '#core';
import type { ExaminedProgram } from './examine-image.ts';

/** What of an attested FIPS report can be derived from a program's bytes again. */
const reportSchema = z.object({
  mode: z.enum(['fips140', 'boring']),
  toolchain: z.string(),
  binary: z.string(),
  module: z.object({ version: z.string() }),
  facts: z.record(z.string(), z.unknown()),
  outside: z.array(z.object({ package: z.string() })),
});

/** Takes an attested FIPS report, which anyone may have written, and the programs of the image; says in what it is not true of them. */
export function compareAttested(predicate: unknown, programs: readonly ExaminedProgram[]): readonly string[] {
  const read = reportSchema.safeParse(predicate);
  if (!read.success) return ['it is no FIPS report'];
  const { mode, toolchain, binary, module, facts, outside } = read.data;
  const program = programs.find(({ digest }) => digest === (binary as Digest));
  if (program === undefined) return [`it is about a program that is not in the image (${binary})`];
  const own = mode === 'boring' ? program.boring : program.fips;
  const packages = (list: readonly { readonly package: string }[]) => list.map((one) => one.package).sort();
  const pairs: readonly (readonly [what: string, said: unknown, is: unknown])[] = [
    ['mode', mode, program.mode],
    ['toolchain', toolchain, program.toolchain],
    ['module version', module.version, own.version],
    ['facts', facts, JSON.parse(JSON.stringify(own))],
    ['cryptography outside the module', packages(outside), packages(program.outside)],
  ];
  return pairs.flatMap(([what, said, is]) =>
    isDeepStrictEqual(said, is) ? [] : [`${what} is ${shown(said)}, the program's bytes say ${shown(is)}`],
  );
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
