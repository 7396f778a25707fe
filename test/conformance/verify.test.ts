// SPDX-License-Identifier: Apache-2.0
// Our verdicts beside cosign's: we never say yes where cosign says no. The table is in docs/evidence-verify.md.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  loadTrust,
  parsePolicy,
  registryEvidence,
  toFlagPolicy,
  type VerificationReport,
  verifyImage,
} from '#evidence';
import { parseReference } from '#image';
import { debianJudge, judge } from '../judges.ts';
import {
  type Answer,
  CASES,
  FALLBACK_CASES,
  type Question,
  repositoryOf,
  tableOf,
  type VerifyCase,
} from '../verify-cases/index.ts';
import { openStage, type Stage } from '../verify-stage.ts';

async function ours(stage: Stage, question: Question): Promise<VerificationReport> {
  const read = async (path: string) => readFileSync(path, 'utf8');
  const { flags, attestation, require, reference } = question;
  const policy =
    require === undefined
      ? await toFlagPolicy({ ...flags, ...(attestation === undefined ? {} : { attestations: [attestation] }) }, read)
      : await parsePolicy(
          `version: 1\nidentities: [{ key: ${basename(flags.keys[0] ?? '')} }]\nrequire: ${require}\n`,
          'policy.yaml',
          { read: (path) => read(join(stage.folder, path)) },
        );
  const parsed = parseReference(reference);
  return verifyImage({
    image: reference,
    root: () => stage.client.manifest(parsed),
    store: registryEvidence(stage.client, parsed),
    policy,
    trust: await loadTrust(policy),
    now: new Date(),
    deep: question.deep === true,
    temporary: () => join(stage.folder, 'program'),
  });
}

/** Asks cosign the same, as far as it can be asked. Version 2 takes authorities and logs for its own format from the environment alone. */
async function cosign(program: string, stage: Stage, question: Question, isOld: boolean): Promise<Answer> {
  const { flags, attestation, require, cosignReference, reference } = question;
  const type =
    attestation ?? (require?.includes('sbom') ? 'spdxjson' : require?.includes('slsa') ? 'slsaprovenance1' : undefined);
  const named = [
    ['--certificate-identity', flags.identity],
    ['--certificate-identity-regexp', flags.identityPattern],
    ['--certificate-oidc-issuer', flags.issuer],
    ['--trusted-root', isOld ? undefined : flags.trustedRoot],
  ].flatMap(([flag, value]) => (value === undefined ? [] : [flag ?? '', value]));
  const noLog = flags.keys.length > 0 && flags.transparency !== 'log' ? ['--insecure-ignore-tlog=true'] : [];
  const common = [...flags.keys.flatMap((key) => ['--key', key]), ...named, ...noLog];
  const runs = [
    ['verify', ...common],
    ...(type === undefined ? [] : [['verify-attestation', '--type', type, ...common]]),
  ];
  for (const args of runs) {
    if ((await exitOf(program, [...args, cosignReference ?? reference], stage)) !== 0) return 'no';
  }
  return 'yes';
}

/** Asynchronous, since registry and services run in this very process. */
function exitOf(program: string, args: readonly string[], { folder, environment }: Stage): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const env = { ...environment, HOME: folder, PATH: process.env['PATH'], COSIGN_PASSWORD: '' };
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (process.env['OAKUM_SHOW']) process.stderr.write(`${args.join(' ')}\n${text.slice(-400)}\n`);
      resolve(code ?? -1);
    });
  });
}

describe.each([
  { title: 'a registry with referrers', options: {}, cases: CASES },
  { title: 'a registry without referrers', options: { referrers: false }, cases: FALLBACK_CASES },
])('verification on $title', ({ options, cases }) => {
  let stage: Stage;
  let cosign2: string | undefined;
  let cosign3: string | undefined;
  beforeAll(async () => {
    stage = await openStage(options);
    cosign2 = await debianJudge('cosign', 'usr/bin/cosign', 'trixie').catch(() => undefined);
    cosign3 = await builtCosign();
  });
  afterAll(() => stage.stop());

  it.each(cases)('says $expected, as cosign says $cosign: $name', async (one: VerifyCase) => {
    const question = await one.prepare(stage, await stage.pushImage(repositoryOf(one)));
    const report = await ours(stage, question);
    const reasons = report.checks.map(({ outcome, name, reason }) => `${outcome} ${name}: ${reason}`).join('\n');
    expect({ verdict: report.verdict, reasons }).toEqual({
      verdict: one.expected === 'yes' ? 'trusted' : 'not-trusted',
      reasons: expect.stringMatching(one.reason),
    });
    const answers = {
      ...(cosign3 === undefined ? {} : { cosign: await cosign(cosign3, stage, question, false) }),
      ...(cosign2 === undefined || one.cosign2 === undefined
        ? {}
        : { cosign2: await cosign(cosign2, stage, question, true) }),
    };
    expect(answers).toEqual({
      ...('cosign' in answers ? { cosign: one.cosign } : {}),
      ...('cosign2' in answers ? { cosign2: one.cosign2 } : {}),
    });
    for (const answer of Object.values(answers)) if (answer === 'no') expect(one.expected).toBe('no');
  });
});

it('the table of verdicts in the documentation is the one that is tested', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/evidence-verify.md'), 'utf8');
  expect(page).toContain(tableOf([...CASES, ...FALLBACK_CASES]));
});

/** cosign 3 takes minutes to build: it judges where it is there already, and always in the system tests. */
async function builtCosign(): Promise<string | undefined> {
  const folder = process.env['OAKUM_JUDGES'] ?? join(process.env['HOME'] ?? '', '.cache/oakum/judges');
  return existsSync(join(folder, 'cosign@v3.1.3')) ? judge('cosign') : undefined;
}
