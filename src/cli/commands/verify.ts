// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { replaceFile } from '#core';
import { createKeySigner, openLocalKey, toVsa, type VerificationReport, verifyImage } from '#evidence';
import { openImage } from '../image.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print } from '../session.ts';
import { policyFrom, type PolicyFlags, trustOf } from '../trust-flags.ts';
import { temporaryPath } from '../temporary.ts';
import { exitCodeOfVerdicts, oneLine, OUTCOMES, VERDICTS } from '../verdicts.ts';
import type { World } from '../world.ts';

interface VerifyFlags extends OutputFlags, PolicyFlags {
  readonly platform?: readonly string[];
  readonly deep?: boolean;
  readonly vsa?: string;
  readonly plainHttp?: boolean;
}

/** `oakum verify`: judges images, prints each check, and leaves the verdict in the exit code. */
export async function verify(images: readonly string[], flags: VerifyFlags, world: World): Promise<void> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const opened = await Promise.all(images.map((image) => openImage(image, client, world.workingFolder)));
  const policy = await policyFrom(flags, world);
  const trust = await trustOf(policy, world);
  const reports = await Promise.all(
    opened.map((image) =>
      verifyImage({
        ...image,
        policy,
        trust,
        now: world.clock.now(),
        deep: flags.deep === true,
        temporary: () => temporaryPath('verify'),
        ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
      }),
    ),
  );
  if (flags.vsa !== undefined) await writeSummaries(resolve(world.workingFolder, flags.vsa), reports, world);
  print(flags, reports.length === 1 ? reports[0] : reports, () => reports.map(describe).join('\n'));
  process.exitCode = exitCodeOfVerdicts(reports);
}

/** Writes each verdict as a signed summary (DSSE envelope), one a line, with this machine's own key. */
async function writeSummaries(file: string, reports: readonly VerificationReport[], world: World): Promise<void> {
  const key = await openLocalKey(world.stateFolder);
  if (key.created) process.stderr.write(`oakum: made a key pair, ${key.path} and ${key.publicPath}\n`);
  const signer = createKeySigner(key.privateKey);
  const lines: string[] = [];
  for (const report of reports) {
    const { bundle } = await signer.sign(toVsa(report, world.version));
    lines.push(`${JSON.stringify((bundle as { readonly dsseEnvelope?: unknown }).dsseEnvelope)}\n`);
  }
  await replaceFile(file, lines.join(''));
}

function describe(report: VerificationReport): string {
  const width = Math.max(...report.checks.map(({ subject }) => subject.length));
  const rows = report.checks.map(
    ({ outcome, subject, name, reason }) =>
      `  ${OUTCOMES[outcome].padEnd(8)}${subject.padEnd(width + 2)}${name.padEnd(14)}${oneLine(reason)}\n`,
  );
  const warnings = report.warnings.map((warning) => `warning: ${warning}\n`).join('');
  return `${report.image}: ${VERDICTS[report.verdict]}\n${rows.join('')}${warnings}`;
}
