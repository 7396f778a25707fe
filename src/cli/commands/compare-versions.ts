// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, OakumError } from '#core';
import { checkOrder, type VersionScheme } from '#vulnerabilities';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { type OutputFlags, print } from '../session.ts';
import type { World } from '../world.ts';

interface CompareFlags extends OutputFlags {
  readonly scheme: VersionScheme;
  readonly file: string;
}

/** `oakum debug compare-versions`: checks pairs of versions; a wrong one makes the exit code 1. */
export async function compareVersions({ scheme, file, ...flags }: CompareFlags, world: World): Promise<void> {
  const text = await readFile(resolve(world.workingFolder, file), 'utf8').catch((error: unknown) => {
    throw new OakumError('usage', 'FILE_UNREADABLE', `a file can't be read: ${messageOf(error)}`, { where: file });
  });
  const reading = checkOrder(text, scheme, file);
  const { wrong, pairs } = reading;
  print(flags, reading, () =>
    wrong === undefined
      ? `${pairs} pairs are in the order of ${scheme}\n`
      : `${file}:${wrong.line}: ${wrong.text} is wrong: ${wrong.found}\n`,
  );
  if (wrong !== undefined) process.exitCode = VERDICT_EXIT_CODE;
}
