// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceFile } from '#core';
import { type DecisionContext, parseDecisions } from './decision-file.ts';

/** A decision as it is written into a file; values are checked when the file is read again. */
export interface DecisionEntry {
  readonly vulnerability: string;
  readonly aliases?: readonly string[] | undefined;
  readonly status: string;
  readonly justification?: string | undefined;
  readonly reason: string;
  readonly action?: string | undefined;
  readonly author: string;
  /** RFC 3339. */
  readonly decided: string;
  /** YYYY-MM-DD. */
  readonly review: string;
  readonly components?: readonly string[] | undefined;
  readonly channels?: readonly string[] | undefined;
  readonly releases?: readonly string[] | undefined;
  readonly platforms?: readonly string[] | undefined;
  readonly packages: readonly string[];
}

/**
 * Adds a decision to the end of the file of its vulnerability in a folder, and gives the file's path. Before anything is written, all
 * files are checked as they would be; throws DecisionError `VEX_DECISIONS_INVALID` with every fault.
 */
export async function addDecision(folder: string, entry: DecisionEntry, context: DecisionContext): Promise<string> {
  const name = `${entry.vulnerability.replace(/[^A-Za-z0-9._-]/g, '_')}.yaml`;
  const others = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    others
      .filter((file) => /\.ya?ml$/.test(file))
      .map(async (file) => ({ file: `${basename(folder)}/${file}`, text: await readFile(join(folder, file), 'utf8') })),
  );
  const own = `${basename(folder)}/${name}`;
  const before = files.find(({ file }) => file === own)?.text ?? 'version: 1\ndecisions:\n';
  const text = `${before.endsWith('\n') ? before : `${before}\n`}${formatDecision(entry)}`;
  parseDecisions([...files.filter(({ file }) => file !== own), { file: own, text }], context);
  const path = join(folder, name);
  await replaceFile(path, text);
  return path;
}

/** JSON strings and lists are YAML too, and leave no room for a text to be taken for anything else. */
function formatDecision(entry: DecisionEntry): string {
  const members = Object.entries(entry).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return members
    .map(([key, value], index) => `${index === 0 ? '  - ' : '    '}${key}: ${JSON.stringify(value)}\n`)
    .join('');
}
