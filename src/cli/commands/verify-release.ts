// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, OakumError } from '#core';
import { type PieceReport, type ReleaseReport, verifyRelease } from '#release';
import { formatTable } from '../format.ts';
import { openRegistryClient } from '../registry.ts';
import { openRelease } from '../release-place.ts';
import { type OutputFlags, print } from '../session.ts';
import { temporaryPath } from '../temporary.ts';
import { policyFrom, type PolicyFlags, trustOf } from '../trust-flags.ts';
import { exitCodeOfVerdicts, oneLine, OUTCOMES, VERDICTS } from '../verdicts.ts';
import type { World } from '../world.ts';

interface VerifyReleaseFlags extends OutputFlags, PolicyFlags {
  readonly pins?: readonly string[];
  readonly deep?: boolean;
  readonly plainHttp?: boolean;
}

/** `oakum verify release`: judges a release from its document, prints each piece, and leaves the verdict in the exit code. */
export async function verifyWhole(name: string, flags: VerifyReleaseFlags, world: World): Promise<void> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const opened = await openRelease(name, client, world.workingFolder);
  const pins = await Promise.all((flags.pins ?? []).map((file) => readPins(file, world)));
  const policy = await policyFrom(flags, world);
  const report = await verifyRelease({
    ...opened,
    name,
    pins,
    policy,
    trust: await trustOf(policy, world),
    now: world.clock.now(),
    deep: flags.deep === true,
    temporary: () => temporaryPath('verify'),
  });
  print(flags, report, () => describe(report));
  process.exitCode = exitCodeOfVerdicts(report.pieces);
}

async function readPins(file: string, world: World): Promise<{ readonly file: string; readonly text: string }> {
  try {
    return { file, text: await readFile(resolve(world.workingFolder, file), 'utf8') };
  } catch (error) {
    throw new OakumError('usage', 'FILE_UNREADABLE', `image pins can't be read: ${messageOf(error)}`, {
      where: file,
      hint: 'Name a file of image pins, as `oakum release` writes them to out/images.',
    });
  }
}

function describe(report: ReleaseReport): string {
  const rows = report.pieces.map(({ kind, name, verdict, checks }) => [
    kind,
    name,
    `${checks.filter(({ outcome }) => outcome === 'passed').length} of ${checks.length}`,
    VERDICTS[verdict],
  ]);
  const revision = report.revision === undefined ? '' : ` (${report.revision})`;
  const faults = report.pieces.flatMap(describeFaults);
  const warnings = report.warnings.map((warning) => `warning: ${warning}\n`);
  return [
    formatTable(['PIECE', 'NAME', 'CHECKS', 'VERDICT'], rows, ['CHECKS']),
    ...(faults.length === 0 ? [] : ['\n', ...faults]),
    ...warnings,
    `\n${report.release}${revision}: ${VERDICTS[report.verdict]}\n`,
  ].join('');
}

function describeFaults({ name, checks }: PieceReport): readonly string[] {
  return checks
    .filter(({ outcome }) => outcome !== 'passed')
    .map(
      ({ outcome, name: check, subject, reason }) =>
        `${OUTCOMES[outcome]}  ${name}, ${subject}: ${check}: ${oneLine(reason)}\n`,
    );
}
