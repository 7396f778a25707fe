// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, type Platform } from '#core';
import { layoutEvidence, PREDICATES } from '#evidence';
import { buildIndex, buildManifest, createLayout, type Descriptor, type Document, type Layout } from '#image';
import { createTestSigner } from '#testing';
import { parseDecisions, type VexImage } from '#vulnerabilities';
import { attachVex } from './attach-vex.ts';

const NOW = new Date('2026-08-21T00:00:00Z');
const ORIGIN = { author: 'test', namespace: 'https://example.com/vex' };
const CONFIG = Buffer.from('{}');
const config: Descriptor = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: digestOf(CONFIG),
  size: CONFIG.length,
};
const manifests = ['amd64', 'arm64'].map((architecture) =>
  buildManifest({ config, layers: [], annotations: { for: architecture } }, { architecture, os: 'linux' }),
);
const root: Document = buildIndex(manifests.map(({ descriptor }) => descriptor));
const image: VexImage = {
  component: 'source-controller',
  channel: 'distroless',
  revision: '2.9.2-r0',
  repository: 'registry.example.com/flux/distroless/source-controller',
  index: root.descriptor.digest,
  platforms: manifests.map(({ descriptor }) => ({
    platform: `linux/${descriptor.platform?.architecture}` as Platform,
    digest: descriptor.digest,
  })),
};

function decisionsOn(component: string, decided: string) {
  const text = `version: 1
decisions:
  - vulnerability: CVE-2026-0001
    status: not_affected
    justification: vulnerable_code_not_present
    reason: The vulnerable file is not compiled in.
    author: jane@example.com
    decided: ${decided}
    review: 2026-12-01
    packages: [pkg:golang/golang.org/x/net]
    components: [${component}]
`;
  const components = ['source-controller', 'helm-controller'];
  return parseDecisions([{ file: 'vex/a.yaml', text }], { now: NOW, components, channels: ['distroless'] });
}

describe('a VEX document', () => {
  let folder: string;
  let layout: Layout;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-attach-vex-'));
    layout = await createLayout(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const signing = { signer: { ...createTestSigner(), description: 'a test key' } as never, cosignV2Tags: false };
  const attach = (component: string, decided: string, index = root) =>
    attachVex([{ image, root: index, store: layoutEvidence(layout) }], {
      decisions: decisionsOn(component, decided),
      now: NOW,
      origin: ORIGIN,
      signing,
      report: () => undefined,
    });
  const attachedTo = async (descriptor: Descriptor) =>
    (await layoutEvidence(layout).referrers(descriptor.digest)).map(
      ({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType'],
    );

  it('is attached to the index and to each platform, once', async () => {
    expect(await attach('source-controller', '2026-08-01T00:00:00Z')).toMatchObject([{ isNew: true }]);
    expect(await attach('source-controller', '2026-08-01T00:00:00Z')).toMatchObject([{ isNew: false }]);
    for (const { descriptor } of [root, ...manifests])
      expect(await attachedTo(descriptor)).toEqual([PREDICATES.openvex]);
  });

  it('stays beside the one that takes its place', async () => {
    await attach('source-controller', '2026-08-01T00:00:00Z');
    expect(await attach('source-controller', '2026-08-02T00:00:00Z')).toMatchObject([{ isNew: true }]);
    expect(await attachedTo(root.descriptor)).toHaveLength(2);
  });

  it('is not made where no decision is about the image', async () => {
    expect(await attach('helm-controller', '2026-08-01T00:00:00Z')).toMatchObject([
      { document: undefined, isNew: false },
    ]);
    expect(await attachedTo(root.descriptor)).toEqual([]);
  });

  it('is bound to the digest that the release names', async () => {
    const other = buildIndex(manifests.slice(0, 1).map(({ descriptor }) => descriptor));
    await expect(attach('source-controller', '2026-08-01T00:00:00Z', other)).rejects.toMatchObject({
      code: 'IMAGE_CHANGED',
    });
    expect(await attachedTo(other.descriptor)).toEqual([]);
  });
});
