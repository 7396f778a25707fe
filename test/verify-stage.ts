// SPDX-License-Identifier: Apache-2.0
// Images, signers and their services on loopback, for tests that compare our verdicts with cosign's.
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Clock, createHttp, type Digest, digestOf, type Http, systemClock } from '#core';
import {
  buildReferrer,
  createKeylessSigner,
  createKeySigner,
  type EvidenceStore,
  formatPublicKey,
  type Parcel,
  PREDICATES,
  publishEvidence,
  registryEvidence,
  type Signer,
  type Statement,
  toStatement,
} from '#evidence';
import {
  buildIndex,
  buildManifest,
  type Descriptor,
  type Document,
  openRegistry,
  type RegistryClient,
  type RepositoryName,
  toDocument,
} from '#image';
import {
  GITHUB_CLAIMS,
  type SigningService,
  startRegistry,
  startSigningService,
  type TestRegistry,
  type TestRegistryOptions,
} from '#testing';

/** A log entry in a bundle, as far as tests change it. */
export interface LooseEntry {
  integratedTime: string;
  inclusionProof: { checkpoint: { envelope: string }; hashes: string[] };
}

/** The JSON of a Sigstore bundle, to be changed by those who tamper. */
export type LooseBundle = {
  dsseEnvelope: { payload: string; signatures: { sig: string }[] };
  verificationMaterial: {
    tlogEntries: LooseEntry[];
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
};

/** An image of two platforms in a repository of its own. */
export interface StagedImage {
  readonly name: RepositoryName;
  /** `HOST/REPOSITORY:v1`. */
  readonly reference: string;
  readonly index: Descriptor;
  readonly platforms: readonly Descriptor[];
  readonly store: EvidenceStore;
}

/** A key pair, its public half in a file. */
export interface StagedKey {
  readonly privateKey: KeyObject;
  readonly file: string;
}

/** All that a case needs. */
export interface Stage {
  readonly folder: string;
  readonly registry: TestRegistry;
  readonly client: RegistryClient;
  readonly service: SigningService;
  readonly http: Http;
  readonly rootFile: string;
  /** The same authorities and logs as cosign 2 takes them. */
  readonly environment: Readonly<Record<string, string>>;
  readonly key: StagedKey;
  readonly otherKey: StagedKey;
  /** What the services' clocks are ahead of the real one, in milliseconds; may be set. */
  readonly skew: { milliseconds: number };
  /** Puts an image into the stage's registry, or another. */
  pushImage(
    repository: string,
    label?: string,
    to?: { client: RegistryClient; name: RepositoryName },
  ): Promise<StagedImage>;
  stop(): Promise<void>;
}

/** Starts registry and signing services; the caller stops it. */
export async function openStage(options: TestRegistryOptions = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'oakum-verify-'));
  const skew = { milliseconds: 0 };
  const registry = await startRegistry(options);
  const service = await startSigningService({ now: () => Date.now() + skew.milliseconds });
  const clock = systemClock();
  const http = createHttp({ clock });
  const client = openRegistry({ http, clock, plainHttp: 'loopback', credentials: async () => undefined });
  const rootFile = join(folder, 'trusted-root.json');
  writeFileSync(rootFile, JSON.stringify(service.trustedRoot));
  return {
    folder,
    registry,
    client,
    service,
    http,
    rootFile,
    environment: writeKeys(folder, service),
    skew,
    key: createKey(join(folder, 'oakum.pub')),
    otherKey: createKey(join(folder, 'other.pub')),
    pushImage: (repository, label = repository, to = { client, name: { registry: registry.host, repository } }) =>
      pushImage(to.client, to.name, label),
    stop: async () => {
      await Promise.all([registry.stop(), service.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
}

function writeKeys(folder: string, { authority, log }: SigningService): Readonly<Record<string, string>> {
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const chain = authority.chain.map((der) => new X509Certificate(der).toString());
  return {
    SIGSTORE_ROOT_FILE: file('chain.pem', chain.join('')),
    SIGSTORE_REKOR_PUBLIC_KEY: file('log.pub', formatPublicKey(log.key)),
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: file('ctlog.pub', formatPublicKey(authority.logKey)),
  };
}

function createKey(file: string): StagedKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file, formatPublicKey(publicKey));
  return { privateKey, file };
}

async function pushImage(client: RegistryClient, name: RepositoryName, label: string): Promise<StagedImage> {
  const store = registryEvidence(client, name);
  const parcels = await Promise.all(['amd64', 'arm64'].map((architecture) => platformImage(label, architecture)));
  for (const parcel of parcels) await store.put(parcel);
  const platforms = parcels.map(({ manifest }) => manifest.descriptor);
  const index = buildIndex(platforms);
  await store.put({ manifest: index, blobs: [] }, 'v1');
  const reference = `${name.registry}/${name.repository}:v1`;
  return { name, reference, index: index.descriptor, platforms, store };
}

/** Gives a small image of one platform; another label, other content. */
export async function platformImage(label: string, architecture: string): Promise<Parcel> {
  const { layer, diffId } = await fileLayer(
    'program',
    `${label} ${architecture}`,
    'application/vnd.oci.image.layer.v1.tar+gzip',
  );
  const config = toDocument(
    { architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } },
    'application/vnd.oci.image.config.v1+json',
  );
  const manifest = buildManifest(
    { config: config.descriptor, layers: [layer.descriptor] },
    { architecture, os: 'linux' },
  );
  return { manifest, blobs: [config, layer] };
}

/** Gives a layer that holds one file, and the digest of its archive. */
export async function fileLayer(
  name: string,
  text: string,
  mediaType: string,
): Promise<{ readonly layer: Document; readonly diffId: Digest }> {
  const tar = pack();
  tar.entry({ name, mtime: new Date(0) }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = gzipSync(Buffer.concat(chunks));
  const layer = { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
  return { layer, diffId: digestOf(Buffer.concat(chunks)) };
}

/** A signer with the stage's key. `logged` has its signatures in the log. */
export function keySigner(stage: Stage, options: { readonly key?: StagedKey; readonly logUrl?: string } = {}): Signer {
  const { privateKey } = options.key ?? stage.key;
  if (options.logUrl === undefined) return createKeySigner(privateKey);
  return createKeySigner(privateKey, { http: stage.http, rekorUrl: options.logUrl });
}

/** What a keyless signer of the stage may have of its own. */
export interface KeylessChoice {
  readonly workflow?: string;
  readonly service?: SigningService;
  readonly logUrl?: string;
  readonly clock?: Clock;
}

/** A signer whose certificate is for a workflow; its signatures are in the log. */
export function keylessSigner(stage: Stage, { workflow = WORKFLOW, ...choice }: KeylessChoice = {}): Signer {
  const { issuer, authority, log } = choice.service ?? stage.service;
  return createKeylessSigner({
    http: stage.http,
    clock: choice.clock ?? systemClock(),
    tokens: {
      description: 'a test',
      token: async () => issuer.token({ ...GITHUB_CLAIMS, job_workflow_ref: workflow }),
    },
    fulcioUrl: authority.url,
    rekorUrl: choice.logUrl ?? log.url,
  });
}

/** The workflow that keyless signers of the stage are by default, and the identity in its certificates. */
export const WORKFLOW: string = GITHUB_CLAIMS.job_workflow_ref;
export const IDENTITY = `https://github.com/${WORKFLOW}`;

/** Attaches the image's signature and provenance, in both of cosign's formats. */
export async function signImage(image: StagedImage, signer: Signer, about: StagedImage = image): Promise<void> {
  await publishEvidence({
    store: image.store,
    signer,
    created: new Date(0),
    claims: statementsOf(about).map((statement) => ({ statement, subjects: [image.index] })),
    cosignTags: {
      reference: image.store.where,
      signPayload: (payload) => signer.signPayload(payload),
      recognisesPayload: (payload, signature) => signer.recognisesPayload(payload, signature),
    },
  });
}

/** The builder that the stage's provenance names. */
export const BUILDER = 'https://builder.example/v1';

/** A signature and a provenance for an image's index. */
export function statementsOf({ name, index }: StagedImage): readonly Statement[] {
  const subject = { name: `${name.registry}/${name.repository}`, digest: index.digest };
  return [
    toStatement(subject, PREDICATES.cosignSignature, {}),
    toStatement(subject, PREDICATES.provenanceV1, provenance()),
  ];
}

/** A provenance v1 predicate. */
export function provenance(repository = 'https://git.example/source'): { readonly [key: string]: never } {
  const uri = `git+${repository}@refs/tags/v1`;
  const resolvedDependencies = [{ uri, digest: { gitCommit: 'a'.repeat(40) } }];
  return {
    buildDefinition: { buildType: 'https://builder.example/type', externalParameters: {}, resolvedDependencies },
    runDetails: { builder: { id: BUILDER } },
  } as never;
}

/** Signs a statement, lets `change` tamper with the bundle, and attaches it as a referrer. */
export async function attach(
  image: StagedImage,
  signer: Signer,
  options: { readonly statement?: Statement; readonly change?: (bundle: LooseBundle) => void } = {},
): Promise<void> {
  const statement = options.statement ?? statementsOf(image)[0];
  if (statement === undefined) throw new Error('no statement');
  const { bundle } = await signer.sign(statement);
  const loose = structuredClone(bundle) as unknown as LooseBundle;
  options.change?.(loose);
  await attachBundle(image, loose, statement.predicateType);
}

/** Attaches a bundle as it is. */
export async function attachBundle(image: StagedImage, bundle: LooseBundle, predicateType: string): Promise<void> {
  const json = bundle as unknown as Parameters<typeof buildReferrer>[0]['bundle'];
  const parcel = buildReferrer({ subject: image.index, bundle: json, predicateType, created: new Date(0) });
  await image.store.put(parcel);
}
