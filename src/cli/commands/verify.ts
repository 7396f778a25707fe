// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { replaceFile } from '#core';
import {
  type Check,
  createKeySigner,
  openLocalKey,
  type Policy,
  readPolicy,
  toVsa,
  type VerificationReport,
  verifyImage,
} from '#evidence';
import { EXIT_CODES, NOT_TRUSTED_EXIT_CODE } from '../exit-codes.ts';
import { openImage } from '../image.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print } from '../session.ts';
import { policyOfFlags, trustOf, type TrustFlags } from '../trust-flags.ts';
import { temporaryPath } from '../temporary.ts';
import type { World } from '../world.ts';

interface VerifyFlags extends OutputFlags, TrustFlags {
  readonly policy?: string;
  readonly platform?: readonly string[];
  readonly deep?: boolean;
  readonly vsa?: string;
  readonly plainHttp?: boolean;
}

/** `oakum verify`: judges images, prints each check, and leaves the verdict in the exit code. */
export async function verify(images: readonly string[], flags: VerifyFlags, world: World): Promise<void> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const opened = await Promise.all(images.map((image) => openImage(image, client, world.workingFolder)));
  const policy = await policyOf(flags, world);
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
  process.exitCode = exitCodeOf(reports);
}

async function policyOf(flags: VerifyFlags, world: World): Promise<Policy> {
  if (flags.policy !== undefined) {
    const root =
      flags.trustedRoot === undefined ? {} : { trustedRoot: resolve(world.workingFolder, flags.trustedRoot) };
    return readPolicy(resolve(world.workingFolder, flags.policy), root);
  }
  return policyOfFlags(flags, world);
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

const OUTCOMES: Readonly<Record<Check['outcome'], string>> = { passed: 'ok', failed: 'FAILED', unknown: 'unknown' };
const VERDICTS: Readonly<Record<VerificationReport['verdict'], string>> = {
  trusted: 'trusted',
  'not-trusted': 'NOT TRUSTED',
  undecided: 'could not be checked',
};

function describe(report: VerificationReport): string {
  const width = Math.max(...report.checks.map(({ subject }) => subject.length));
  const rows = report.checks.map(
    ({ outcome, subject, name, reason }) =>
      `  ${OUTCOMES[outcome].padEnd(8)}${subject.padEnd(width + 2)}${name.padEnd(14)}${shown(reason)}\n`,
  );
  const warnings = report.warnings.map((warning) => `warning: ${warning}\n`).join('');
  return `${report.image}: ${VERDICTS[report.verdict]}\n${rows.join('')}${warnings}`;
}

/** What strangers wrote must not steer the terminal. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}

function exitCodeOf(reports: readonly VerificationReport[]): number {
  if (reports.some(({ verdict }) => verdict === 'not-trusted')) return NOT_TRUSTED_EXIT_CODE;
  const undecided = reports.find(({ verdict }) => verdict === 'undecided');
  return undecided === undefined ? 0 : EXIT_CODES[undecided.failure?.family ?? 'registry'].code;
}
