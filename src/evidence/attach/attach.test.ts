// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createHttp, digestOf, hexOf, systemClock } from '#core';
import {
  buildIndex,
  buildManifest,
  createLayout,
  type Descriptor,
  openRegistry,
  parseIndex,
  parseManifest,
  readContent,
  type RegistryClient,
  toDocument,
} from '#image';
import { createTestSigner, startRegistry, type TestRegistry } from '#testing';
import { PREDICATES, type Statement, toStatement } from '../statement.ts';
import { attestationManifestsOf, buildAttestationManifest } from './attestation-manifest.ts';
import { attestationLayer, cosignTag, simpleSigningPayload } from './cosign-tags.ts';
import { BUNDLE_TYPE, EMPTY_CONFIG } from './parcel.ts';
import { publishEvidence } from './publish.ts';
import { readReferrers } from './read-referrers.ts';
import { buildReferrer } from './referrer.ts';
import { type EvidenceStore, layoutEvidence, referrersTag, registryEvidence } from './store.ts';

const NAME = { repository: 'flux/x' };
const created = new Date('2026-07-07T11:39:33Z');
const area = await mkdtemp(join(tmpdir(), 'oakum-attach-'));
const registries: TestRegistry[] = [];
afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.stop();
});
afterAll(() => rm(area, { recursive: true }));

const image = buildManifest({ config: EMPTY_CONFIG.descriptor, layers: [EMPTY_CONFIG.descriptor] });
const other = buildManifest({ config: EMPTY_CONFIG.descriptor, layers: [] });
const subject = { name: 'x', digest: image.descriptor.digest };
const spdx = toStatement(subject, PREDICATES.spdx, { spdxVersion: 'SPDX-2.3' });
const v1 = toStatement(subject, PREDICATES.provenanceV1, { a: 1 });
const v02 = toStatement(subject, PREDICATES.provenanceV02, { a: 1 });
const signature = toStatement(subject, PREDICATES.cosignSignature, {});

function openClient(): RegistryClient {
  const clock = systemClock();
  return openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
}

async function push(store: EvidenceStore): Promise<EvidenceStore> {
  for (const manifest of [image, other]) await store.put({ manifest, blobs: [EMPTY_CONFIG] });
  return store;
}

async function open(referrers = true): Promise<{ store: EvidenceStore; registry: TestRegistry }> {
  const registry = await startRegistry({ referrers });
  registries.push(registry);
  return { registry, store: await push(registryEvidence(openClient(), { ...NAME, registry: registry.host })) };
}

const places: readonly [string, () => Promise<EvidenceStore>][] = [
  ['a registry with the referrers API', async () => (await open()).store],
  ['a registry without it', async () => (await open(false)).store],
  ['a layout', async () => push(layoutEvidence(await createLayout(await mkdtemp(join(area, 'layout-')))))],
];

describe('the attestation manifest', () => {
  const parcel = buildAttestationManifest(image.descriptor, [v1, spdx, v02]);

  it('is an image without platform whose layers are the statements, provenance v0.2 before v1', () => {
    const manifest = parseManifest(parcel.manifest.bytes, 'x');
    expect(manifest.layers.map(({ mediaType, annotations }) => [mediaType, annotations])).toEqual(
      [PREDICATES.spdx, PREDICATES.provenanceV02, PREDICATES.provenanceV1].map((type) => [
        'application/vnd.in-toto+json',
        { 'in-toto.io/predicate-type': type },
      ]),
    );
    const [config, ...layers] = parcel.blobs;
    expect(manifest.config.digest).toBe(config?.descriptor.digest);
    expect(layers.map(({ bytes }) => digestOf(bytes))).toEqual(manifest.layers.map(({ digest }) => digest));
    expect(JSON.parse(config?.bytes.toString() ?? '')).toMatchObject({
      os: 'unknown',
      rootfs: { type: 'layers', diff_ids: manifest.layers.map(({ digest }) => digest) },
    });
  });

  it("stands in an index as BuildKit's does, and is found there by the digest it speaks of", () => {
    const index = parseIndex(buildIndex([image.descriptor, parcel.manifest.descriptor]).bytes, 'x');
    expect(index.manifests[1]).toMatchObject({
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': image.descriptor.digest,
      },
    });
    expect(attestationManifestsOf(index.manifests, image.descriptor.digest)).toEqual([index.manifests[1]]);
    expect(attestationManifestsOf(index.manifests, other.descriptor.digest)).toEqual([]);
  });

  it('has the same bytes for the same statements in any order', () => {
    const again = buildAttestationManifest(image.descriptor, [v02, v1, spdx]);
    expect(again.manifest.descriptor.digest).toBe(parcel.manifest.descriptor.digest);
    // Changes only when what clients read is meant to change.
    expect(again.manifest.descriptor.digest).toBe(
      'sha256:3aeaef66a8e712407bcbf2bf092da02099692b068093b96bdcfcfd8782a087dd',
    );
  });

  it('refuses a statement about another image', () => {
    expect(() => buildAttestationManifest(other.descriptor, [v1])).toThrow(
      expect.objectContaining({ code: 'SUBJECT_MISMATCH' }),
    );
  });
});

describe('the referrer', () => {
  it('has the form that cosign 3 reads, and no time but the one given', () => {
    const { manifest, blobs } = buildReferrer({
      subject: image.descriptor,
      bundle: { b: 1 },
      predicateType: 'p',
      created,
    });
    expect(JSON.parse(manifest.bytes.toString())).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: BUNDLE_TYPE,
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
      layers: [{ mediaType: BUNDLE_TYPE, digest: digestOf('{"b":1}'), size: 7 }],
      subject: {
        mediaType: image.descriptor.mediaType,
        digest: image.descriptor.digest,
        size: image.descriptor.size,
      },
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': 'p',
        'org.opencontainers.image.created': '2026-07-07T11:39:33Z',
      },
    });
    expect(blobs.map(({ bytes }) => bytes.toString())).toEqual(['{}', '{"b":1}']);
  });
});

describe.each(places)('publishing to %s', (_, openPlace) => {
  const claims = [spdx, v1, signature].map((statement) => ({ statement, subjects: [image.descriptor] }));

  it('attaches each claim, and the second time signs and adds nothing', async () => {
    const store = await openPlace();
    const signer = createTestSigner();
    const first = await publishEvidence({ store, claims, signer, created });
    expect([first.added.length, first.present, signer.signed()]).toEqual([3, 0, 3]);
    const listed = await store.referrers(image.descriptor.digest);
    expect(listed.map(({ artifactType }) => artifactType)).toEqual([BUNDLE_TYPE, BUNDLE_TYPE, BUNDLE_TYPE]);
    const second = await publishEvidence({ store, claims, signer, created });
    expect([second.added.length, second.present, signer.signed()]).toEqual([0, 3, 3]);
    expect(await store.referrers(image.descriptor.digest)).toEqual(listed);
  });

  it('gives back what was attached, all of it or by predicate type', async () => {
    const store = await openPlace();
    const signer = createTestSigner();
    await publishEvidence({ store, claims, signer, created });
    const all = await readReferrers(store, image.descriptor.digest);
    expect(new Set(all.bundles.map(({ predicateType }) => predicateType))).toEqual(
      new Set([PREDICATES.cosignSignature, PREDICATES.provenanceV1, PREDICATES.spdx]),
    );
    expect(all.bundles.every(({ bundle }) => signer.recognises(bundle))).toBe(true);
    const one = await readReferrers(store, image.descriptor.digest, { predicateTypes: [PREDICATES.spdx] });
    expect(one.bundles.map(({ predicateType }) => predicateType)).toEqual([PREDICATES.spdx]);
    expect(await readReferrers(store, other.descriptor.digest)).toEqual({ bundles: [], refused: [] });
  });

  it('signs once a claim about several images', async () => {
    const store = await openPlace();
    const signer = createTestSigner();
    const both: Statement = {
      ...v1,
      subject: [image, other].map(({ descriptor }) => ({ name: 'x', digest: { sha256: hexOf(descriptor.digest) } })),
    };
    const subjects = [image.descriptor, other.descriptor];
    await publishEvidence({ store, claims: [{ statement: both, subjects: [image.descriptor] }], signer, created });
    const done = await publishEvidence({ store, claims: [{ statement: both, subjects }], signer, created });
    expect([done.added.length, done.present, signer.signed()]).toEqual([1, 1, 1]);
    const bundles = await Promise.all(subjects.map(async ({ digest }) => (await readReferrers(store, digest)).bundles));
    expect(bundles[0]?.[0]?.bundle).toEqual(bundles[1]?.[0]?.bundle);
  });

  it('signs again what only another key has signed, and what says something else', async () => {
    const store = await openPlace();
    const claim = [{ statement: v1, subjects: [image.descriptor] }];
    await publishEvidence({ store, claims: claim, signer: createTestSigner(), created });
    const signer = createTestSigner();
    await publishEvidence({ store, claims: claim, signer, created });
    const changed = [{ statement: { ...v1, predicate: { a: 2 } }, subjects: [image.descriptor] }];
    const done = await publishEvidence({ store, claims: changed, signer, created });
    expect([done.added.length, signer.signed()]).toEqual([1, 2]);
    expect((await readReferrers(store, image.descriptor.digest)).bundles).toHaveLength(3);
  });

  it("writes cosign 2's tags when asked to, once", async () => {
    const store = await openPlace();
    const signer = createTestSigner();
    const cosignTags = { ...signer, reference: 'registry.example.com/flux/x' };
    await publishEvidence({ store, claims, signer, created });
    const added = await publishEvidence({ store, claims, signer, created, cosignTags });
    expect([added.added.length, signer.signed()]).toEqual([2, 4]);
    const again = await publishEvidence({ store, claims, signer, created, cosignTags });
    expect([again.added.length, signer.signed()]).toEqual([0, 4]);
    const att = await store.resolve(cosignTag(image.descriptor.digest, 'att'));
    expect(att?.digest).toBe(added.added[0]?.digest);
    const more = [{ statement: v02, subjects: [image.descriptor] }];
    await publishEvidence({ store, claims: more, signer, created, cosignTags });
    expect(await layersOf(store, cosignTag(image.descriptor.digest, 'att'))).toHaveLength(3);
    expect(await layersOf(store, cosignTag(image.descriptor.digest, 'sig'))).toHaveLength(1);
  });

  it('refuses a claim about another image before anything is signed or pushed', async () => {
    const store = await openPlace();
    const signer = createTestSigner();
    const wrong = [...claims, { statement: v1, subjects: [other.descriptor] }];
    await expect(publishEvidence({ store, claims: wrong, signer, created })).rejects.toMatchObject({
      code: 'SUBJECT_MISMATCH',
    });
    expect(signer.signed()).toBe(0);
    expect(await store.referrers(image.descriptor.digest)).toEqual([]);
  });
});

async function layersOf(store: EvidenceStore, tag: string): Promise<readonly Descriptor[]> {
  const found = (await store.resolve(tag)) as Descriptor;
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.source.open(found)) chunks.push(chunk);
  return parseManifest(Buffer.concat(chunks), tag).layers;
}

describe('publishing where another writer is at work', () => {
  it('puts an entry back that the other overwrote', async () => {
    const { store } = await open(false);
    let overwritten = 0;
    const racing: EvidenceStore = {
      ...store,
      put: async (parcel, tag) => {
        await store.put(parcel, tag);
        if (overwritten++ > 0) return;
        const empty = buildIndex([]); // as one who read the index before us writes it after us
        await store.put({ manifest: empty, blobs: [] }, referrersTag(image.descriptor.digest));
      },
    };
    const claims = [{ statement: v1, subjects: [image.descriptor] }];
    await publishEvidence({ store: racing, claims, signer: createTestSigner(), created });
    expect(await store.referrers(image.descriptor.digest)).toHaveLength(1);
  });

  it('gives up when the other never stops', async () => {
    const { store } = await open(false);
    const racing: EvidenceStore = { ...store, referrers: async () => [] };
    const claims = [{ statement: v1, subjects: [image.descriptor] }];
    const publishing = publishEvidence({ store: racing, claims, signer: createTestSigner(), created });
    await expect(publishing).rejects.toMatchObject({ code: 'EVIDENCE_LOST' });
  });

  it('loses nothing of two runs at once that share a client', async () => {
    const { store } = await open(false);
    const runs = [spdx, v1, v02, signature].map((statement) =>
      publishEvidence({
        store,
        claims: [{ statement, subjects: [image.descriptor] }],
        signer: createTestSigner(),
        created,
      }),
    );
    await Promise.all(runs);
    expect(await store.referrers(image.descriptor.digest)).toHaveLength(4);
  });
});

describe('the referrers reader', () => {
  const bundleOf = (text: string) => ({ bytes: Buffer.from(text), descriptor: toDocument({}, BUNDLE_TYPE).descriptor });
  const list = (store: EvidenceStore, found: readonly Descriptor[]): EvidenceStore => ({
    ...store,
    referrers: async () => found,
  });

  it('refuses one that refers to another image, and gives the others', async () => {
    const { store } = await open();
    const right = buildReferrer({ subject: image.descriptor, bundle: { n: 1 }, predicateType: 'p', created });
    const wrong = buildReferrer({ subject: other.descriptor, bundle: { n: 2 }, predicateType: 'p', created });
    for (const parcel of [right, wrong]) await store.put(parcel);
    const listed = [wrong, right].map(({ manifest }) => manifest.descriptor);
    const reading = await readReferrers(list(store, listed), image.descriptor.digest);
    expect(reading.bundles.map(({ bundle }) => bundle)).toEqual([{ n: 1 }]);
    expect(reading.refused).toMatchObject([
      {
        descriptor: { digest: wrong.manifest.descriptor.digest },
        reason: `it refers to ${other.descriptor.digest}, not to ${image.descriptor.digest}`,
      },
    ]);
  });

  it('refuses a thousand decoys before it fetches one', async () => {
    const { store, registry } = await open();
    const decoys = Array.from({ length: 1000 }, (__, index) => ({
      mediaType: image.descriptor.mediaType,
      artifactType: BUNDLE_TYPE,
      digest: digestOf(String(index)),
      size: 500,
    }));
    const before = registry.requests.length;
    await expect(readReferrers(list(store, decoys), image.descriptor.digest)).rejects.toMatchObject({
      code: 'REFERRERS_TOO_MANY',
    });
    expect(registry.requests.length).toBe(before);
  });

  it.each([
    ['is not there', { digest: digestOf('nothing'), size: 500 }, /knows no|not|has no/],
    ['lies about its size', { size: 3 }, /bytes/],
    ['is larger than a manifest may be', { size: 1 << 30 }, /at most/],
  ])('refuses a referrer that %s', async (__, lie, reason) => {
    const { store } = await open();
    const parcel = buildReferrer({ subject: image.descriptor, bundle: { n: 1 }, predicateType: 'p', created });
    await store.put(parcel);
    const reading = await readReferrers(
      list(store, [{ ...parcel.manifest.descriptor, ...lie }]),
      image.descriptor.digest,
    );
    expect(reading.bundles).toEqual([]);
    expect(reading.refused[0]?.reason).toMatch(reason);
  });

  it('refuses a bundle that is too large, is no JSON, or comes with another', async () => {
    const { store } = await open();
    const large = buildReferrer({ subject: image.descriptor, bundle: 'x'.repeat(100), predicateType: 'p', created });
    const text = bundleOf('not JSON');
    const noJson = {
      ...text,
      descriptor: { mediaType: BUNDLE_TYPE, digest: digestOf(text.bytes), size: text.bytes.length },
    };
    const wrap = (layers: readonly Descriptor[]) =>
      buildManifest({
        artifactType: BUNDLE_TYPE,
        config: EMPTY_CONFIG.descriptor,
        layers,
        subject: image.descriptor,
      });
    const bad = wrap([noJson.descriptor]);
    const two = wrap([noJson.descriptor, noJson.descriptor]);
    await store.put(large);
    await store.put({ manifest: bad, blobs: [EMPTY_CONFIG, noJson] });
    await store.put({ manifest: two, blobs: [] });
    const reading = await readReferrers(store, image.descriptor.digest, { maxBundleBytes: 50 });
    expect(reading.bundles).toEqual([]);
    expect(reading.refused.map(({ reason }) => reason.replace(/sha256:\w+/, 'D')).toSorted()).toEqual([
      'D says it has 102 bytes; at most 50 are read',
      'it holds more than one layer',
      'its bundle is not JSON',
    ]);
  });

  it('passes over what is no bundle, also where the list does not say', async () => {
    const { store } = await open();
    const sbom = buildManifest({
      artifactType: 'application/spdx+json',
      config: EMPTY_CONFIG.descriptor,
      layers: [EMPTY_CONFIG.descriptor],
      subject: image.descriptor,
    });
    await store.put({ manifest: sbom, blobs: [EMPTY_CONFIG] });
    const { artifactType: __, ...untyped } = sbom.descriptor;
    for (const found of [[sbom.descriptor], [untyped]]) {
      expect(await readReferrers(list(store, found), image.descriptor.digest)).toEqual({ bundles: [], refused: [] });
    }
  });

  it('does not take an unreachable registry for an image without evidence', async () => {
    const { store, registry } = await open();
    await store.put(buildReferrer({ subject: image.descriptor, bundle: { n: 1 }, predicateType: 'p', created }));
    registry.fail({ when: /GET .*manifests/, kind: 'status', status: 403 });
    await expect(readReferrers(store, image.descriptor.digest)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  });
});

describe("cosign 2's forms", () => {
  it('have the text of a signature that cosign signs', () => {
    expect(simpleSigningPayload('r.example/x', image.descriptor.digest).toString()).toBe(
      `{"critical":{"identity":{"docker-reference":"r.example/x"},"image":{"docker-manifest-digest":"${image.descriptor.digest}"},"type":"cosign container image signature"},"optional":null}`,
    );
  });

  it("carry a keyless bundle's certificate and log entry in annotations, and not the timestamp of its signature", () => {
    const rawBytes = Buffer.alloc(60, 7).toString('base64');
    const { descriptor } = attestationLayer(
      {
        verificationMaterial: {
          certificate: { rawBytes },
          tlogEntries: [
            {
              logIndex: '12',
              logId: { keyId: Buffer.from('abcd', 'hex').toString('base64') },
              integratedTime: '1700000000',
              inclusionPromise: { signedEntryTimestamp: 'c2V0' },
              canonicalizedBody: 'Ym9keQ==',
            },
          ],
          timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'dHM=' }] },
        },
        dsseEnvelope: { payload: 'e30=', payloadType: 'application/vnd.in-toto+json', signatures: [{ sig: 'cw==' }] },
      },
      'p',
    );
    expect(descriptor.annotations).toEqual({
      'dev.cosignproject.cosign/signature': '',
      predicateType: 'p',
      'dev.sigstore.cosign/certificate': `-----BEGIN CERTIFICATE-----\n${rawBytes.slice(0, 64)}\n${rawBytes.slice(64)}\n-----END CERTIFICATE-----\n`,
      'dev.sigstore.cosign/bundle':
        '{"Payload":{"body":"Ym9keQ==","integratedTime":1700000000,"logID":"abcd","logIndex":12},"SignedEntryTimestamp":"c2V0"}',
    });
  });

  it("carry a timestamp of an attestation's bytes, asked for once", async () => {
    const { store } = await open();
    const signer = createTestSigner();
    const stamped: Buffer[] = [];
    const stamp = async (bytes: Buffer) => `{"SignedRFC3161Timestamp":"${stamped.push(bytes)}"}`;
    const cosignTags = { ...signer, reference: 'r.example/x', stamp };
    const request = { store, claims: [{ statement: spdx, subjects: [image.descriptor] }], signer, created, cosignTags };
    await publishEvidence(request);
    expect((await publishEvidence(request)).added).toEqual([]);
    const tag = await store.resolve(cosignTag(subject.digest, 'att'));
    if (tag === undefined) throw new Error('no tag');
    const [layer] = parseManifest(await readContent(store.source, tag, 1e6), 'att').layers;
    expect(stamped.map((bytes) => digestOf(bytes))).toEqual([layer?.digest]);
    expect(layer?.annotations?.['dev.sigstore.cosign/rfc3161timestamp']).toBe('{"SignedRFC3161Timestamp":"1"}');
  });

  it('refuse a bundle without an envelope', () => {
    expect(() => attestationLayer({ verificationMaterial: {}, messageSignature: {} }, 'p')).toThrow(
      expect.objectContaining({ code: 'STATEMENT_INVALID' }),
    );
  });
});
