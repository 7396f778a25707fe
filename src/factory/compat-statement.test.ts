// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StepResult } from '#compatibility';
import { digestOf, hexOf } from '#core';
import { layoutEvidence, readReferrers } from '#evidence';
import { buildIndex, buildManifest, type ContentSource, createLayout } from '#image';
import { createTestSigner } from '#testing';
import { type CompatEvidence, toCompatStatement, verdictOf } from './compat-statement.ts';
import { attachCompatibility, type CompatOutcome } from './compat-test.ts';

const HASH = Buffer.alloc(32, 7);
const PASSED: StepResult = { name: 'CRDs apply', verdict: 'passed', milliseconds: 5 };
const SKIPPED: StepResult = { name: 'upgrade', verdict: 'skipped', milliseconds: 0, detail: 'no older revision' };
const FAILED: StepResult = { name: 'Bucket is fetched', verdict: 'failed', milliseconds: 9, detail: 'no' };
const [INDEX, MANIFEST] = [digestOf('index'), digestOf('manifest')];
const NAME = 'registry.example.com/flux/distroless/source-controller';

function evidence(steps: readonly StepResult[]): CompatEvidence {
  return {
    minor: '1.36',
    subject: {
      revision: '2.9.2-r0',
      channel: 'distroless',
      platform: 'linux/amd64',
      manifests: 'kind: Namespace',
      images: [
        {
          component: 'source-controller',
          version: 'v1.9.3',
          name: NAME,
          index: INDEX,
          manifest: { digest: MANIFEST, mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1 },
          source: {} as ContentSource,
        },
      ],
    },
    run: {
      kubernetes: '1.36.3',
      etcd: '3.4.23',
      began: new Date('2026-11-24T18:00:00Z'),
      ended: new Date('2026-11-24T18:02:00Z'),
      steps,
      logs: {},
    },
    apiServer: {
      locked: {
        module: {
          path: 'k8s.io/kubernetes',
          version: 'v1.36.3',
          zipHash: `h1:${HASH.toString('base64')}`,
          modHash: `h1:${HASH.toString('base64')}`,
          proof: { kind: 'checksum-database', database: 'db', recordId: 1, treeSize: 2 },
        },
        time: '2026-08-13T00:00:00Z',
        treeHash: `h1:${HASH.toString('base64')}`,
      },
      program: digestOf('program'),
    },
    manifests: digestOf('kind: Namespace'),
    logs: { 'etcd.log': digestOf('log') },
    versions: { kubernetes: '1.36.3', etcd: '3.4.23' },
  };
}

describe('the statement of a compatibility test', () => {
  it('names the revision that was upgraded from, and newer patches that could not be built, where there are any', () => {
    const whole = evidence([PASSED]);
    const { module, time, treeHash } = whole.apiServer.locked;
    const apiServer = { ...whole.apiServer, locked: { module, time, treeHash, passedOver: ['v1.36.4'] } };
    const said = (one: CompatEvidence) =>
      (toCompatStatement(one).predicate as { readonly oakum_compatibility: object }).oakum_compatibility;
    expect(said({ ...whole, apiServer, previous: '2.9.1-r0' })).toMatchObject({
      previous: '2.9.1-r0',
      passedOver: ['1.36.4'],
    });
    expect(Object.keys(said(whole))).not.toEqual(expect.arrayContaining(['previous']));
  });

  it('is about the index and the manifest of each image, and names by digest what they met', () => {
    const statement = toCompatStatement(evidence([PASSED]));
    expect(statement.subject).toEqual([
      { name: NAME, digest: { sha256: hexOf(INDEX) } },
      { name: NAME, digest: { sha256: hexOf(MANIFEST) } },
    ]);
    expect(statement.predicateType).toBe('https://in-toto.io/attestation/test-result/v0.1');
    expect(statement.predicate).toMatchObject({
      configuration: [
        { name: 'k8s.io/kubernetes@v1.36.3', digest: { dirHash: HASH.toString('hex') } },
        { name: 'kube-apiserver', digest: { sha256: hexOf(digestOf('program')) } },
        { name: 'install manifests', digest: { sha256: hexOf(digestOf('kind: Namespace')) } },
        { name: 'etcd 3.4.23' },
      ],
      oakum_compatibility: {
        kubernetes: '1.36',
        revision: '2.9.2-r0',
        began: '2026-11-24T18:00:00.000Z',
        steps: [PASSED],
        logs: { 'etcd.log': digestOf('log') },
      },
    });
  });

  it.each([
    ['PASSED', 'passed', [PASSED]],
    ['WARNED', 'passed', [PASSED, SKIPPED]],
    ['FAILED', 'failed', [PASSED, SKIPPED, FAILED]],
  ] as const)('says %s, which is a cell that %s', (result, verdict, steps) => {
    const { predicate } = toCompatStatement(evidence(steps));
    const names = (wanted: string) => steps.flatMap((step) => (step.verdict === wanted ? [step.name] : []));
    expect(predicate).toMatchObject({
      result,
      passedTests: names('passed'),
      warnedTests: names('skipped'),
      failedTests: names('failed'),
    });
    expect(verdictOf(steps)).toBe(verdict);
  });
});

describe('the attestation of a compatibility test', () => {
  it('is signed once, and hangs on the index of every image, once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'oakum-attach-compat-'));
    try {
      const layout = await createLayout(folder);
      const store = layoutEvidence(layout);
      const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 };
      const roots = ['one', 'two'].map((name) =>
        buildIndex([buildManifest({ config, layers: [], annotations: { for: name } }).descriptor]),
      );
      const given = evidence([PASSED]);
      const images = roots.map(({ descriptor }) => ({ ...given.subject.images[0]!, index: descriptor.digest }));
      const statement = toCompatStatement({ ...given, subject: { ...given.subject, images } });
      const signer = createTestSigner();
      let signed = 0;
      const counting = { ...signer, sign: (...all: Parameters<typeof signer.sign>) => (signed++, signer.sign(...all)) };
      const { bundle } = await counting.sign(statement);
      const outcome = { cell: { made: '2026-11-24T18:02:00.000Z' }, statement, bundle, folder } as CompatOutcome;
      const targets = roots.map((root) => ({ root, store }));
      const attach = () =>
        attachCompatibility([outcome], targets, { signer: counting as never, shop: { report: () => undefined } });
      await attach();
      await attach();
      const referrers = await Promise.all(roots.map(({ descriptor }) => store.referrers(descriptor.digest)));
      expect(referrers.map((list) => list.length)).toEqual([1, 1]);
      expect(signed).toBe(1);
      const [own] = (await readReferrers(store, roots[1]!.descriptor.digest)).bundles;
      expect(own?.bundle).toEqual(bundle);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
