// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { fixRepository, type Level, NEWEST_LINE, preflight, preflightSarif, type PreflightReport } from '#consumers';
import { OakumError } from '#core';
import { channelTraits } from '../channel-traits.ts';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { formatEdits, formatPreflight } from '../preflight-text.ts';
import { print } from '../session.ts';
import { loadDefinition } from '../shop.ts';
import type { World } from '../world.ts';

interface PreflightFlags {
  readonly definition?: string;
  readonly channel: string;
  readonly to?: string;
  readonly fix?: boolean;
  readonly dryRun?: boolean;
  readonly failOn: Level;
  readonly json?: boolean;
  readonly sarif?: boolean;
}

const LEVELS: readonly Level[] = ['error', 'warning', 'note'];

/** `oakum preflight`: reads a repository, mends what can be mended if told to, prints what is left, and leaves the verdict in the exit code. */
export async function preflightRepository(path: string, flags: PreflightFlags, world: World): Promise<void> {
  if (flags.dryRun && !flags.fix) throw new OakumError('usage', 'FLAG_INVALID', '--dry-run goes with --fix');
  const { definition } = (await loadDefinition(flags, world)).read;
  const request = {
    channel: channelTraits(definition, flags.channel),
    target: lineOf(flags.to),
    signal: world.signal,
  };
  const folder = resolve(world.workingFolder, path);
  const found = await preflight(folder, request);
  const fixes = flags.fix === true && !flags.dryRun && found.edits.length > 0;
  if (fixes) await fixRepository(found);
  const report = fixes ? await preflight(folder, request) : found;
  const edits = flags.fix ? found.edits : [];
  if (flags.sarif) process.stdout.write(`${JSON.stringify(preflightSarif(report, world.version), null, 2)}\n`);
  else
    print(
      flags,
      toJson(report, edits, fixes),
      () => formatEdits(edits, fixes) + formatPreflight({ ...report, folder: path }),
    );
  const failing = LEVELS.slice(0, LEVELS.indexOf(flags.failOn) + 1);
  if (report.findings.some(({ level }) => failing.includes(level))) process.exitCode = VERDICT_EXIT_CODE;
}

function lineOf(text = NEWEST_LINE): string {
  const [, line] = /^v?(\d+\.\d+)(?:\.\d+)?(?:-r\d+)?$/.exec(text) ?? [];
  if (line !== undefined) return line;
  throw new OakumError('usage', 'FLAG_INVALID', `--to takes a line of Flux like 2.9, not "${text}"`);
}

function toJson({ edits: _, ...report }: PreflightReport, edits: PreflightReport['edits'], written: boolean): unknown {
  return { ...report, edits, written };
}
