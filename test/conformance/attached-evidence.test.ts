// SPDX-License-Identifier: Apache-2.0
// Tools that we did not write find what we attached to an image: docker buildx, crane, cosign 2 and oras.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, digestOf, systemClock } from '#core';
import {
  type BuildRecord,
  buildAttestationManifest,
  builderIdOf,
  type Claim,
  type EvidenceStore,
  layoutEvidence,
  type Parcel,
  PREDICATES,
  publishEvidence,
  registryEvidence,
  toProvenanceV02,
  toProvenanceV1,
  toStatement,
} from '#evidence';
import { buildIndex, buildManifest, createLayout, type Document, openRegistry, toDocument } from '#image';
import { createTestSigner } from '#testing';
import { debianJudge, judge } from '../judges.ts';
import { type RealRegistry, startDistribution, startGoRegistry, startOlareg } from '../registries.ts';

const created = new Date('2026-07-07T11:39:33Z');
const h1 = 'h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=';
const folder = mkdtempSync(join(tmpdir(), 'oakum-attached-'));
afterAll(() => rmSync(folder, { recursive: true }));

const record: BuildRecord = {
  builder: { id: builderIdOf('local'), engine: 'local', sandbox: 'bubblewrap', version: { oakum: '0', node: '24' } },
  invocation: { id: 'one', startedOn: created, finishedOn: created },
  request: {
    distribution: 'oakum',
    release: '2.9.2',
    revision: '2.9.2-r0',
    channel: 'distroless',
    component: 'x',
    platform: 'linux/amd64',
    definition: digestOf('definition'),
    lock: digestOf('lock'),
  },
  steps: { compile: { argv: ['go', 'build'], env: { CGO_ENABLED: '0' } } },
  materials: {
    source: {
      path: 'example.com/x',
      version: 'v1.0.0',
      h1,
      repository: 'https://example.com/x',
      commit: 'a'.repeat(40),
    },
    nested: [],
    modules: [],
    toolchain: { path: 'golang.org/toolchain', version: 'v0.0.1-go1.27.3.linux-amd64', h1 },
    packages: [],
    distribution: { id: 'debian', versionId: '13' },
    exemptions: [],
  },
};

/** Puts an image of two platforms with attestation manifests in its index; gives the index. */
async function pushImage(store: EvidenceStore): Promise<Document> {
  const images: Parcel[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const tar = pack();
    tar.entry({ name: 'program', mtime: new Date(0) }, architecture);
    tar.finalize();
    const chunks: Uint8Array[] = [];
    for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
    const bytes = gzipSync(Buffer.concat(chunks));
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
    const layer = { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
    const config = toDocument(
      {
        architecture,
        os: 'linux',
        config: {},
        rootfs: { type: 'layers', diff_ids: [digestOf(Buffer.concat(chunks))] },
      },
      'application/vnd.oci.image.config.v1+json',
    );
    const manifest = buildManifest(
      { config: config.descriptor, layers: [layer.descriptor] },
      { architecture, os: 'linux' },
    );
    images.push({ manifest, blobs: [config, layer] });
  }
  const attestations = images.map(({ manifest: { descriptor } }) => {
    const architecture = descriptor.platform?.architecture ?? '';
    const subject = { name: 'x', digest: descriptor.digest };
    return buildAttestationManifest(descriptor, [
      toStatement(subject, PREDICATES.provenanceV1, toProvenanceV1(record)),
      toStatement(subject, PREDICATES.provenanceV02, toProvenanceV02(record)),
      toStatement(subject, PREDICATES.spdx, { spdxVersion: 'SPDX-2.3', name: `x-${architecture}` }),
    ]);
  });
  for (const parcel of [...images, ...attestations]) await store.put(parcel);
  const index = buildIndex([...images, ...attestations].map(({ manifest }) => manifest.descriptor));
  await store.put({ manifest: index, blobs: [] }, 'v1');
  return index;
}

function claimsOn({ descriptor }: Document): readonly Claim[] {
  const subject = { name: 'x', digest: descriptor.digest };
  return [
    toStatement(subject, PREDICATES.cosignSignature, {}),
    toStatement(subject, PREDICATES.provenanceV1, toProvenanceV1(record)),
    toStatement(subject, PREDICATES.provenanceV02, toProvenanceV02(record)),
    toStatement(subject, PREDICATES.spdx, { spdxVersion: 'SPDX-2.3', name: 'x' }),
  ].map((statement) => ({ statement, subjects: [descriptor] }));
}

/** Not by spawnSync: the registry's log must be read meanwhile, or it stands still once the pipe is full. */
async function run(program: string, ...args: string[]): Promise<string> {
  const options = { env: { ...process.env, HOME: folder }, maxBuffer: 1 << 26 };
  const { stdout } = await promisify(execFile)(program, args, options);
  return stdout.trim();
}

const kinds = [
  { kind: 'distribution 2.8', start: startDistribution },
  { kind: "go-containerregistry's", start: startGoRegistry },
  { kind: 'olareg', start: startOlareg },
];

describe.each(kinds)('with the registry $kind', ({ start }) => {
  const signer = createTestSigner();
  const key = join(folder, 'key.pub');
  const root = join(folder, 'root.json');
  let registry: RealRegistry | undefined;
  let index: Document;
  let store: EvidenceStore;
  const tools = { buildx: '', crane: '', cosign: '' };
  beforeAll(async () => {
    registry = await start();
    tools.crane = await judge('crane');
    tools.buildx = (await debianJudge('docker-buildx', 'usr/libexec/docker/cli-plugins/docker-buildx', 'trixie')) ?? '';
    tools.cosign = (await debianJudge('cosign', 'usr/bin/cosign', 'trixie')) ?? '';
    if (registry === undefined) return;
    writeFileSync(key, signer.publicKey);
    // A trusted root that trusts nobody, so that cosign fetches none: the key is all that counts.
    writeFileSync(root, JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' }));
    const clock = systemClock();
    const client = openRegistry({ http: createHttp({ clock }), clock, credentials: async () => undefined });
    store = registryEvidence(client, { registry: registry.host, repository: 'flux/x' });
    index = await pushImage(store);
    const cosignTags = { ...signer, reference: store.where };
    await publishEvidence({ store, claims: claimsOn(index), signer, created, cosignTags });
  });
  afterAll(() => registry?.stop());
  const test = (title: string, tool: keyof typeof tools, work: (program: string) => Promise<void>) =>
    it(title, async (context) => {
      if (registry === undefined || tools[tool] === '') context.skip('registry or tool can not be had here');
      await work(tools[tool]);
    });
  const image = () => `${store.where}:v1`;

  test("buildx prints each platform's SBOM", 'buildx', async (buildx) => {
    for (const architecture of ['amd64', 'arm64']) {
      const format = `{{ json (index .SBOM "linux/${architecture}").SPDX}}`;
      const text = await run(buildx, 'imagetools', 'inspect', image(), '--format', format);
      expect(JSON.parse(text)).toEqual({ spdxVersion: 'SPDX-2.3', name: `x-${architecture}` });
    }
  });

  test('buildx prints the provenance, version 0.2, all of it', 'buildx', async (buildx) => {
    const format = '{{ json (index .Provenance "linux/amd64").SLSA}}';
    expect(JSON.parse(await run(buildx, 'imagetools', 'inspect', image(), '--format', format))).toEqual(
      JSON.parse(JSON.stringify(toProvenanceV02(record))),
    );
  });

  test('crane validates each platform and the attestation manifest', 'crane', async (crane) => {
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      await run(crane, 'validate', '--remote', image(), '--platform', platform);
    }
    expect(await run(crane, 'manifest', '--platform', 'unknown/unknown', image())).toContain(
      'in-toto.io/predicate-type',
    );
  });

  test('cosign 2 verifies what the tags of its own format hold', 'cosign', async (cosign) => {
    const flags = ['--key', key, '--insecure-ignore-tlog=true', '--new-bundle-format=false', image()];
    expect(await run(cosign, 'verify', ...flags)).toContain(index.descriptor.digest);
    for (const type of ['slsaprovenance', 'slsaprovenance1', 'spdxjson']) {
      await run(cosign, 'verify-attestation', '--type', type, ...flags);
    }
  });

  test('cosign 2 verifies the bundles among the referrers', 'cosign', async (cosign) => {
    const flags = ['--key', key, '--insecure-ignore-tlog=true', '--new-bundle-format', '--trusted-root', root, image()];
    for (const type of ['slsaprovenance', 'slsaprovenance1', 'spdxjson']) {
      await run(cosign, 'verify-attestation', '--type', type, ...flags);
    }
  });
});

describe('a layout with evidence', () => {
  it('shows its referrers to oras', async (context) => {
    const oras = await debianJudge('oras', 'usr/bin/oras', 'trixie');
    if (oras === undefined) context.skip('oras can not be had here');
    const layout = await createLayout(join(folder, 'layout'));
    const store = layoutEvidence(layout);
    const index = await pushImage(store);
    await publishEvidence({ store, claims: claimsOn(index), signer: createTestSigner(), created });
    const found = JSON.parse(
      await run(
        oras ?? '',
        'discover',
        '--oci-layout',
        '--format',
        'json',
        `${layout.folder}@${index.descriptor.digest}`,
      ),
    ) as { readonly manifests: readonly { readonly artifactType: string }[] };
    expect(found.manifests).toHaveLength(4);
  });
});
