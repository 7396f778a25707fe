// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf, OakumError, replaceFile } from '#core';
import {
  type Check,
  createKeySigner,
  fetchPublicRoot,
  loadTrust,
  openLocalKey,
  type Policy,
  readPolicy,
  toFlagPolicy,
  toVsa,
  type Transparency,
  type VerificationReport,
  verifyImage,
} from '#evidence';
import { EXIT_CODES, NOT_TRUSTED_EXIT_CODE } from '../exit-codes.ts';
import { openImage } from '../image.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print } from '../session.ts';
import type { World } from '../world.ts';

interface VerifyFlags extends OutputFlags {
  readonly policy?: string;
  readonly key?: readonly string[];
  readonly certificateIdentity?: string;
  readonly certificateIdentityRegexp?: string;
  readonly certificateOidcIssuer?: string;
  readonly certificateOidcIssuerRegexp?: string;
  readonly trustedRoot?: string;
  readonly transparency?: Transparency;
  readonly attestation?: readonly string[];
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
  const trust = await loadTrust(policy, () => fetchPublicRoot({ folder: join(world.stateFolder, 'tuf') }));
  const reports = await Promise.all(
    opened.map((image) =>
      verifyImage({
        ...image,
        policy,
        trust,
        now: world.clock.now(),
        deep: flags.deep === true,
        temporary: () => join(tmpdir(), `oakum-verify-${randomUUID()}`),
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
  const { key: keys = [], certificateIdentity: identity, certificateIdentityRegexp: identityPattern } = flags;
  if (keys.length === 0 && identity === undefined && identityPattern === undefined) {
    throw new OakumError('usage', 'VERIFY_WHOM', 'nothing says who is to be believed', {
      hint: 'Give --key, or --certificate-identity with --certificate-oidc-issuer, or --policy.',
    });
  }
  const { certificateOidcIssuer: issuer, certificateOidcIssuerRegexp: issuerPattern } = flags;
  return toFlagPolicy(
    {
      keys,
      ...(identity === undefined ? {} : { identity }),
      ...(identityPattern === undefined ? {} : { identityPattern }),
      ...(issuer === undefined ? {} : { issuer }),
      ...(issuerPattern === undefined ? {} : { issuerPattern }),
      ...rootOf(flags),
      ...(flags.transparency === undefined ? {} : { transparency: flags.transparency }),
      ...(flags.attestation === undefined ? {} : { attestations: flags.attestation }),
    },
    (path) => readSmall(resolve(world.workingFolder, path)),
  );
}

/** A certificate without a named root is one of the public-good instance. */
function rootOf({ trustedRoot, certificateIdentity, certificateIdentityRegexp }: VerifyFlags): {
  trustedRoot?: string;
} {
  if (trustedRoot !== undefined) return { trustedRoot };
  return certificateIdentity === undefined && certificateIdentityRegexp === undefined ? {} : { trustedRoot: 'public' };
}

async function readSmall(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > 1 << 20) throw new Error('it is larger than 1 MiB');
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new OakumError('usage', 'FILE_UNREADABLE', `a file can't be read: ${messageOf(error)}`, { where: file });
  }
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
