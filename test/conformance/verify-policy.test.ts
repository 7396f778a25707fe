// SPDX-License-Identifier: Apache-2.0
// What a policy may demand beyond a signature, each demand met and not met.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import {
  buildAttestationManifest,
  createKeySigner,
  loadTrust,
  parsePolicy,
  PREDICATES,
  toStatement,
  type VerificationReport,
  verifyImage,
} from '#evidence';
import { buildIndex, parseReference } from '#image';
import { startTimestampAuthority } from '#testing';
import {
  attach,
  BUILDER,
  keylessSigner,
  keySigner,
  openStage,
  provenance,
  signImage,
  type Stage,
  type StagedImage,
  statementsOf,
} from '../verify-stage.ts';

const KEY = 'identities: [{ key: oakum.pub }]';

describe('a policy', () => {
  let stage: Stage;
  let count = 0;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.stop());

  function image(): Promise<StagedImage> {
    count += 1;
    return stage.pushImage(`policy/image${count}`);
  }

  async function judge(
    { reference, store }: Pick<StagedImage, 'reference' | 'store'>,
    text: string,
    more: { readonly now?: Date; readonly platforms?: readonly string[] } = {},
  ): Promise<VerificationReport> {
    const policy = await parsePolicy(`version: 1\n${text}\n`, 'policy.yaml', {
      read: async (path) => readFileSync(join(stage.folder, path), 'utf8'),
    });
    return verifyImage({
      image: reference,
      root: () => stage.client.manifest(parseReference(reference)),
      store,
      policy,
      trust: await loadTrust(policy),
      now: new Date(),
      temporary: () => join(stage.folder, 'program'),
      ...more,
    });
  }

  function expectVerdict(report: VerificationReport, verdict: VerificationReport['verdict'], reason: RegExp): void {
    const reasons = report.checks.map((check) => `${check.outcome} ${check.subject} ${check.name}: ${check.reason}`);
    expect({ verdict: report.verdict, reasons: reasons.join('\n') }).toEqual({
      verdict,
      reasons: expect.stringMatching(reason),
    });
  }

  it('believes an identity for what it signs alone', async () => {
    const staged = await image();
    await signImage(staged, keySigner(stage));
    const believed = (signs: string) => judge(staged, `identities: [{ key: oakum.pub, signs: [${signs}] }]`);
    expectVerdict(await believed('signature'), 'trusted', /passed index signature/);
    expectVerdict(await believed('provenance'), 'not-trusted', /the policy believes nobody for signature/);
  });

  it('can demand a signature of each platform', async () => {
    const staged = await image();
    const signer = keySigner(stage);
    await attach(staged, signer);
    const each = () => judge(staged, `${KEY}\nrequire: { signature: each }`);
    expectVerdict(await each(), 'not-trusted', /failed linux\/amd64 signature: there is no signature/);
    for (const index of staged.platforms) await attach({ ...staged, index }, signer);
    expectVerdict(await each(), 'trusted', /passed linux\/arm64 signature/);
  });

  it('finds an attestation on the platform or on the index, for every platform', async () => {
    const staged = await image();
    const signer = keySigner(stage);
    await attach(staged, signer);
    const text = `${KEY}\nrequire: { attestations: [provenance] }`;
    const [amd64, arm64] = staged.platforms.map((index) => ({ ...staged, index }));
    if (amd64 === undefined || arm64 === undefined) throw new Error('two platforms');
    const attest = (about: StagedImage) => attach(about, signer, { statement: statementsOf(about)[1] as never });
    await attest(amd64);
    expectVerdict(await judge(staged, text), 'not-trusted', /failed linux\/arm64 attestation/);
    expectVerdict(
      await judge(staged, text, { platforms: ['linux/amd64'] }),
      'trusted',
      /passed linux\/amd64 attestation/,
    );
    await attest(staged);
    expectVerdict(await judge(staged, text), 'trusted', /passed linux\/arm64 attestation/);
  });

  it('refuses a platform that the image does not have', async () => {
    const staged = await image();
    await signImage(staged, keySigner(stage));
    expectVerdict(
      await judge(staged, `${KEY}\nplatforms: [linux/s390x]`),
      'not-trusted',
      /failed linux\/s390x image: the image has no linux\/s390x/,
    );
  });

  it('takes a single manifest for an image', async () => {
    const staged = await image();
    const [index] = staged.platforms;
    if (index === undefined) throw new Error('two platforms');
    await attach({ ...staged, index }, keySigner(stage));
    const one = { ...staged, reference: `${staged.store.where}@${index.digest}` };
    expectVerdict(await judge(one, KEY), 'trusted', /passed manifest signature/);
    expectVerdict(await judge(one, `${KEY}\nplatforms: [linux/arm64]`), 'not-trusted', /it is for linux\/amd64/);
  });

  it('counts attestations inside the index only where told to, and only where the index is signed', async () => {
    const staged = await image();
    const manifests = staged.platforms.map((platform) =>
      buildAttestationManifest(platform, [
        toStatement({ name: 'x', digest: platform.digest }, PREDICATES.provenanceV1, provenance()),
      ]),
    );
    for (const parcel of manifests) await staged.store.put(parcel);
    const index = buildIndex([...staged.platforms, ...manifests.map(({ manifest }) => manifest.descriptor)]);
    await staged.store.put({ manifest: index, blobs: [] }, 'v1');
    const text = (embedded: boolean) => `${KEY}\nrequire: { attestations: [provenance], embedded: ${embedded} }`;
    expectVerdict(await judge(staged, text(true)), 'not-trusted', /there is no provenance attestation/);
    await attach({ ...staged, index: index.descriptor }, keySigner(stage));
    expectVerdict(await judge(staged, text(false)), 'not-trusted', /there is no provenance attestation/);
    expectVerdict(
      await judge(staged, text(true)),
      'trusted',
      /inside the signed index, without a signature of its own/,
    );
  });

  it('sets a maximum age, for which the time must be proved', async () => {
    const staged = await image();
    await signImage(staged, keySigner(stage));
    expectVerdict(await judge(staged, `${KEY}\nrequire: { maximumAge: 1d }`), 'not-trusted', /nothing proves when/);
    const logged = await image();
    await signImage(logged, keySigner(stage, { logUrl: stage.service.log.url }));
    const text = `identities: [{ key: oakum.pub, transparency: log }]\ntrustedRoot: trusted-root.json\nrequire: { maximumAge: 1d }`;
    expectVerdict(await judge(logged, text), 'trusted', /1 log entry proved, signed at/);
    const now = new Date(Date.now() + 2 * 86_400_000);
    expectVerdict(await judge(logged, text, { now }), 'not-trusted', /longer ago than the policy's 24 hours/);
  });

  it('takes a timestamp for proof, of an authority that the root names', async () => {
    const text = 'identities: [{ key: oakum.pub, transparency: timestamp }]\ntrustedRoot: trusted-root.json';
    const stamped = async (url: string) => {
      const staged = await image();
      const options = { http: stage.http, tsaUrl: `${url}/api/v1/timestamp` };
      await attach(staged, createKeySigner(stage.key.privateKey, options));
      return judge(staged, text);
    };
    expectVerdict(await stamped(stage.service.timestamps.url), 'trusted', /1 timestamp proved, signed at/);
    const foreign = await startTimestampAuthority();
    expectVerdict(await stamped(foreign.url), 'not-trusted', /timestamp could not be verified/);
    await foreign.stop();
    const without = await image();
    await attach(without, keySigner(stage));
    expectVerdict(await judge(without, text), 'not-trusted', /no timestamp of an authority/);
  });

  it('refuses a swapped timestamp', async () => {
    const staged = await image();
    const options = { http: stage.http, tsaUrl: `${stage.service.timestamps.url}/api/v1/timestamp` };
    const signer = createKeySigner(stage.key.privateKey, options);
    const { bundle } = await signer.sign(statementsOf(staged)[1] as never);
    await attach(staged, signer, {
      change: ({ verificationMaterial }) => {
        Object.assign(verificationMaterial, {
          timestampVerificationData: (bundle as { verificationMaterial?: { timestampVerificationData?: unknown } })
            .verificationMaterial?.timestampVerificationData,
        });
      },
    });
    const text = 'identities: [{ key: oakum.pub, transparency: timestamp }]\ntrustedRoot: trusted-root.json';
    expectVerdict(await judge(staged, text), 'not-trusted', /timestamp could not be verified/);
  });

  it('demands builder, level, repository, commit and ref of the provenance', async () => {
    const staged = await image();
    await signImage(staged, keySigner(stage));
    const slsa = (more: string) => `${KEY}\nrequire: { slsa: { builders: [{ id: "${BUILDER}", level: 2 }]${more} } }`;
    const source = (more: string) => slsa(`, source: { repository: "https://git.example/source"${more} }`);
    const good = await judge(staged, source(`, commit: ${'a'.repeat(40)}, refPattern: "^refs/tags/v.*$"`));
    expectVerdict(
      good,
      'trusted',
      /passed linux\/amd64 source: https:\/\/git\.example\/source at refs\/tags\/v1, commit a{40}/,
    );
    expect(good.level).toBe(2);
    expectVerdict(await judge(staged, slsa(', minimumLevel: 3')), 'not-trusted', /build level 2, 3 is needed/);
    expectVerdict(await judge(staged, source(`, commit: ${'b'.repeat(40)}`)), 'not-trusted', /from commit a{40}, not/);
    expectVerdict(await judge(staged, source(', refPattern: main')), 'not-trusted', /from ref refs\/tags\/v1, not/);
  });

  it('compares an SBOM with what the layers hold', async () => {
    const text = `${KEY}\nrequire: { sbom: matches }`;
    const judged = async (content: (label: string) => string, more: object = {}) => {
      const staged = await image();
      const signer = keySigner(stage);
      await attach(staged, signer);
      for (const [at, index] of staged.platforms.entries()) {
        const real = `${staged.name.repository} ${['amd64', 'arm64'][at]}`;
        const sbom = { ...sbomOf(index.digest, content(real)), ...more };
        const statement = toStatement({ name: 'x', digest: index.digest }, PREDICATES.spdx, sbom);
        await attach({ ...staged, index }, signer, { statement });
      }
      return judge(staged, text);
    };
    expectVerdict(await judged((real) => real), 'trusted', /passed linux\/arm64 sbom: .* equals what the layers hold/);
    expectVerdict(
      await judged(() => 'other'),
      'not-trusted',
      /failed linux\/amd64 sbom: .* file \/program: SBOM sha256/,
    );
    expectVerdict(
      await judged((real) => real, { files: [] }),
      'not-trusted',
      /file \/program: SBOM nothing, image sha256/,
    );
  });

  it('does not decide where the registry refuses to answer, and says why', async () => {
    const staged = await image();
    await signImage(staged, keySigner(stage));
    const path = `GET /v2/${staged.name.repository}/referrers`;
    stage.registry.fail({ when: new RegExp(path), kind: 'status', status: 403, code: 'DENIED', times: 100 });
    const report = await judge(staged, KEY);
    expectVerdict(report, 'undecided', /unknown index signature/);
    expect(report.failure).toMatchObject({ family: 'registry', code: 'REGISTRY_DENIED' });
  });

  it('does not decide about an image that is not there', async () => {
    const staged = await image();
    const report = await judge({ ...staged, reference: `${staged.store.where}:none` }, KEY);
    expectVerdict(report, 'undecided', /unknown index image/);
    expect(report.failure?.family).toBe('registry');
  });

  it('needs no more than one of several identities', async () => {
    const staged = await image();
    await signImage(staged, keylessSigner(stage));
    const certificate = `identityPattern: "^https://github\\\\.com/example-org/.*$", issuer: "${stage.service.issuer.url}"`;
    const text = `identities: [{ key: other.pub }, { ${certificate}, name: release }]\ntrustedRoot: trusted-root.json`;
    expectVerdict(await judge(staged, text), 'trusted', /passed index identity: https:\/\/github\.com\/example-org/);
  });
});

function sbomOf(digest: string, content: string): { readonly [key: string]: never } {
  const sum = (value: string) => [{ algorithm: 'SHA256', checksumValue: value.replace('sha256:', '') }];
  return {
    spdxVersion: 'SPDX-2.3',
    name: 'x',
    packages: [{ SPDXID: 'SPDXRef-image', name: 'x', checksums: sum(digest) }],
    files: [{ SPDXID: 'SPDXRef-file', fileName: './program', checksums: sum(digestOf(content)) }],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-image' },
    ],
  } as never;
}
