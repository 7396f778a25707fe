// SPDX-License-Identifier: Apache-2.0
// slsa-verifier reads our verdicts, and we read what cosign 2 and 3 sign.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTrust, registryEvidence, resourceUriOf, toFlagPolicy, toVsa, VERIFIER_ID, verifyImage } from '#evidence';
import { parseReference } from '#image';
import { debianJudge, judge } from '../judges.ts';
import { keySigner, openStage, provenance, signImage, type Stage, type StagedImage } from '../verify-stage.ts';

describe('verification among other tools', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.stop());

  /** Asynchronous, since the registry runs in this very process. Gives the exit code and what was printed. */
  function run(program: string, ...args: readonly string[]): Promise<{ code: number | null; text: string }> {
    return new Promise((done, fail) => {
      const env = { HOME: stage.folder, PATH: process.env['PATH'], COSIGN_PASSWORD: '' };
      const child = spawn(program, args, { cwd: stage.folder, env });
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.on('error', fail);
      child.on('close', (code) => done({ code, text }));
    });
  }

  async function verify({ reference }: StagedImage, key: string, attestations: readonly string[] = []) {
    const read = async (path: string) => readFileSync(join(stage.folder, path), 'utf8');
    const policy = await toFlagPolicy({ keys: [key], attestations }, read);
    const name = parseReference(reference);
    return verifyImage({
      image: reference,
      root: () => stage.client.manifest(name),
      store: registryEvidence(stage.client, name),
      policy,
      trust: await loadTrust(policy),
      now: new Date(),
      temporary: () => join(stage.folder, 'program'),
    });
  }

  it.each(['cosign 2', 'cosign 3'])('trusts what %s signs and attests', async (version) => {
    const cosign =
      version === 'cosign 3' ? await judge('cosign') : await debianJudge('cosign', 'usr/bin/cosign', 'trixie');
    if (cosign === undefined) return;
    const prefix = version.replace(' ', '');
    const image = await stage.pushImage(`judges/${prefix}`);
    writeFileSync(join(stage.folder, 'predicate.json'), JSON.stringify(provenance()));
    expect(await run(cosign, 'generate-key-pair', '--output-key-prefix', prefix)).toMatchObject({ code: 0 });
    // cosign 3 takes the services to use from a file; none are used.
    writeFileSync(
      join(stage.folder, 'signing-config.json'),
      JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json' }),
    );
    const noLog =
      version === 'cosign 3' ? ['--signing-config', 'signing-config.json'] : ['--tlog-upload=false', '--yes'];
    const flags = ['--key', `${prefix}.key`, ...noLog];
    expect(await run(cosign, 'sign', ...flags, image.reference)).toMatchObject({ code: 0 });
    const attest = ['attest', ...flags, '--type', 'slsaprovenance1', '--predicate', 'predicate.json'];
    expect(await run(cosign, ...attest, image.reference)).toMatchObject({ code: 0 });
    const report = await verify(image, `${prefix}.pub`, ['slsaprovenance1']);
    expect(report).toMatchObject({ verdict: 'trusted' });
    expect((await verify(image, 'other.pub')).verdict).toBe('not-trusted');
  });

  it('writes summaries that slsa-verifier accepts, and it refuses those of a failed verification', async () => {
    const slsaVerifier = await judge('slsa-verifier');
    const image = await stage.pushImage('judges/vsa');
    await signImage(image, keySigner(stage));
    const ask = async (key: string, level: number | undefined) => {
      const report = { ...(await verify(image, key)), level };
      const { bundle } = await keySigner(stage).sign(toVsa(report, '0'));
      writeFileSync(
        join(stage.folder, 'vsa.json'),
        JSON.stringify((bundle as { dsseEnvelope?: unknown }).dsseEnvelope),
      );
      const flags = {
        'attestation-path': 'vsa.json',
        'subject-digest': image.index.digest,
        'verifier-id': VERIFIER_ID,
        'resource-uri': resourceUriOf(report),
        'verified-level': 'SLSA_BUILD_LEVEL_2',
        'public-key-path': 'oakum.pub',
      };
      return run(slsaVerifier, 'verify-vsa', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]));
    };
    expect(await ask('oakum.pub', 2)).toMatchObject({ code: 0, text: expect.stringContaining('PASSED') });
    expect(await ask('oakum.pub', 1)).toMatchObject({ code: 1 });
    expect(await ask('other.pub', 2)).toMatchObject({ code: 1 });
  });
});
