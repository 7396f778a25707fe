// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { buildIndex, buildManifest, createLayout, type Document, toDocument } from '#image';
import { createTestSigner } from '#testing';
import { buildAttestationManifest } from '../attach/attestation-manifest.ts';
import { BUNDLE_TYPE, EMPTY_CONFIG } from '../attach/parcel.ts';
import { publishEvidence } from '../attach/publish.ts';
import { buildReferrer } from '../attach/referrer.ts';
import { type EvidenceStore, layoutEvidence } from '../attach/store.ts';
import { RECORD } from '../provenance/__fixtures__/record.ts';
import { toProvenanceV02, toProvenanceV1 } from '../provenance/provenance.ts';
import { PREDICATES, toStatement } from '../statement.ts';
import { findPredicate, inspectImage } from './inspect-image.ts';

const created = new Date('2026-07-07T11:39:33Z');
const area = await mkdtemp(join(tmpdir(), 'oakum-inspect-'));
afterAll(() => rm(area, { recursive: true }));

const purl = (referenceLocator: string) => [{ referenceType: 'purl', referenceLocator }];
const SPDX = {
  spdxVersion: 'SPDX-2.3',
  name: 'x',
  packages: [
    { SPDXID: 'a', name: 'x', externalRefs: purl('pkg:golang/example.com/x@v1.0.0') },
    { SPDXID: 'b', name: 'stdlib', versionInfo: 'v1.27.3', externalRefs: purl('pkg:golang/stdlib@v1.27.3') },
    { SPDXID: 'c', name: 'tzdata', externalRefs: purl('pkg:deb/debian/tzdata@1?arch=all') },
    { SPDXID: 'd', name: 'tzdata', externalRefs: purl('pkg:deb/debian/tzdata@1?arch=source') },
  ],
  files: [{ fileName: './x' }],
};

/** Puts an image of two platforms; only the first has evidence. */
async function makeImage(store: EvidenceStore): Promise<{ root: Document; first: Document }> {
  const layer = { descriptor: { mediaType: 'x/y', digest: digestOf('layer'), size: 5 }, bytes: Buffer.from('layer') };
  const images = ['amd64', 'arm64'].map((architecture) => {
    const config = toDocument(
      {
        architecture,
        os: 'linux',
        created: '2026-07-07T11:39:33Z',
        config: { User: '65534:65534', Entrypoint: ['x'] },
        rootfs: { type: 'layers', diff_ids: [digestOf('layer')] },
      },
      'application/vnd.oci.image.config.v1+json',
    );
    const parts = { config: config.descriptor, layers: [layer.descriptor] };
    return { manifest: buildManifest(parts, { architecture, os: 'linux' }), blobs: [config, layer] };
  });
  const [{ manifest: first }] = images as [(typeof images)[number]];
  const subject = { name: 'x', digest: first.descriptor.digest };
  const attestation = buildAttestationManifest(first.descriptor, [
    toStatement(subject, PREDICATES.spdx, SPDX),
    toStatement(subject, PREDICATES.provenanceV02, toProvenanceV02(RECORD)),
  ]);
  const root = buildIndex(
    [...images, attestation].map(({ manifest }) => manifest.descriptor),
    { 'org.opencontainers.image.version': 'v1.0.0' },
  );
  for (const parcel of [...images, attestation, { manifest: root, blobs: [] }]) await store.put(parcel);
  return { root, first };
}

describe('the image inspector', () => {
  const signer = createTestSigner();
  let store: EvidenceStore;
  let made: { root: Document; first: Document };
  beforeAll(async () => {
    store = layoutEvidence(await createLayout(join(area, 'layout')));
    made = await makeImage(store);
    const { root, first } = made;
    const subject = { name: 'x', digest: first.descriptor.digest };
    const claims = [
      {
        statement: toStatement({ name: 'x', digest: root.descriptor.digest }, PREDICATES.cosignSignature, {}),
        subjects: [root.descriptor],
      },
      {
        statement: toStatement(subject, PREDICATES.provenanceV1, toProvenanceV1(RECORD)),
        subjects: [first.descriptor],
      },
    ];
    await publishEvidence({ store, claims, signer, created, cosignTags: { ...signer, reference: 'r.example/x' } });
  });
  const request = () => ({ image: 'x', root: made.root, store });

  it('tells what each platform is, what is in it and who built it', async () => {
    const { digest, annotations, platforms } = await inspectImage(request());
    expect([digest, annotations]).toEqual([
      made.root.descriptor.digest,
      { 'org.opencontainers.image.version': 'v1.0.0' },
    ]);
    expect(platforms.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
    expect(platforms[0]).toMatchObject({
      digest: made.first.descriptor.digest,
      size: 5,
      layers: 1,
      user: '65534:65534',
      command: ['x'],
      sboms: ['SPDX 2.3'],
      content: { goModules: 1, packages: 1, files: 1, go: 'go1.27.3' },
      provenance: { builderId: RECORD.builder.id, versions: RECORD.builder.version },
      refused: [],
    });
    expect(platforms[1]).toMatchObject({ sboms: [], content: undefined, provenance: undefined, claims: [] });
  });

  it('lists the evidence of index, referrers and tags, and whose key signed it', async () => {
    const { claims, platforms } = await inspectImage(request());
    const row = ({ predicateType, place, signedBy }: (typeof claims)[number]) => [
      predicateType,
      place,
      signedBy?.replace(/^key .{44}$/, 'key hint'),
    ];
    expect(claims.map(row)).toEqual([[PREDICATES.cosignSignature, 'referrer', 'key hint']]);
    expect(platforms[0]?.claims.map(row)).toEqual([
      [PREDICATES.spdx, 'index', undefined],
      [PREDICATES.provenanceV02, 'index', undefined],
      [PREDICATES.provenanceV1, 'referrer', 'key hint'],
      [PREDICATES.provenanceV1, 'tag', 'key unknown'],
    ]);
  });

  it('gives one predicate of one platform as it stands', async () => {
    const types = [PREDICATES.spdx];
    expect(await findPredicate({ ...request(), types, platform: 'linux/amd64' })).toEqual(SPDX);
    expect(await findPredicate({ ...request(), types, platforms: ['linux/amd64'] })).toEqual(SPDX);
    await expect(findPredicate({ ...request(), types })).rejects.toMatchObject({
      code: 'PLATFORM_MISSING',
      hint: 'Name one of linux/amd64, linux/arm64.',
    });
    const cyclonedx = { ...request(), types: [PREDICATES.cyclonedx], platform: 'linux/amd64' };
    await expect(findPredicate(cyclonedx)).rejects.toMatchObject({
      code: 'PREDICATE_MISSING',
      hint: expect.stringContaining(PREDICATES.spdx),
    });
    await expect(inspectImage({ ...request(), platforms: ['linux/s390x'] })).rejects.toMatchObject({
      code: 'PLATFORM_MISSING',
      hint: 'It is there for linux/amd64, linux/arm64.',
    });
  });

  it('lists what is malformed or about another image as not read, and the rest all the same', async () => {
    const own = layoutEvidence(await createLayout(join(area, 'bad')));
    const { root, first } = await makeImage(own);
    const about = (digest: `sha256:${string}`) => toStatement({ name: 'x', digest }, PREDICATES.provenanceV1, {});
    const other = (await signer.sign(about(digestOf('other')))).bundle;
    const empty = (await signer.sign(about(first.descriptor.digest))).bundle;
    for (const bundle of [other, empty, { no: 'bundle' }]) {
      await own.put(buildReferrer({ subject: first.descriptor, bundle, predicateType: 'p', created }));
    }
    const [platform] = (await inspectImage({ image: 'x', root, store: own })).platforms;
    expect(platform?.sboms).toEqual(['SPDX 2.3']);
    expect(platform?.provenance?.builderId).toBe(RECORD.builder.id);
    expect(new Set(platform?.refused.map(({ reason }) => reason.split(':')[0]))).toEqual(
      new Set([
        'its https', // ...://slsa.dev/provenance/v1 is about another image
        'it is no bundle with a DSSE envelope',
        'no SLSA provenance',
      ]),
    );
  });

  it('reads an image that is one manifest', async () => {
    const { platforms, claims } = await inspectImage({ image: 'x', root: made.first, store });
    expect([platforms.length, platforms[0]?.platform, claims]).toEqual([1, 'linux/amd64', []]);
    expect(platforms[0]?.claims.map(({ place }) => place)).toEqual(['referrer', 'tag']);
  });

  it('passes over referrers that are no statements', async () => {
    const sbom = buildManifest({
      artifactType: BUNDLE_TYPE,
      config: EMPTY_CONFIG.descriptor,
      layers: [],
      subject: made.root.descriptor,
    });
    const own = layoutEvidence(await createLayout(join(area, 'other')));
    const { root } = await makeImage(own);
    await own.put({ manifest: sbom, blobs: [EMPTY_CONFIG] });
    const { refused, claims } = await inspectImage({ image: 'x', root, store: own });
    expect([claims, refused]).toMatchObject([[], [{ reason: 'it holds no Sigstore bundle' }]]);
  });
});
