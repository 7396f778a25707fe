// SPDX-License-Identifier: Apache-2.0
// Whole small releases in a registry or layout: images with evidence, manifests, pins and a signed document, for tests that break each of them.
import type { Digest } from '#core';
import { type Claim, type Parcel, PREDICATES, publishEvidence, type Signer, toStatement } from '#evidence';
import { buildIndex, buildManifest, type Descriptor, parseManifest, toDocument } from '#image';
import {
  type EvidenceRecord,
  formatPins,
  imageName,
  releaseArtifact,
  type ReleaseDocument,
  type ReleasePlace,
  RELEASES,
} from '#release';
import { releaseDocument } from '#testing';
import { fileLayer, platformImage, provenance } from './verify-stage.ts';

/** What of a staged release is chosen. */
export interface StagedReleaseChoice {
  readonly revision: string;
  readonly place: ReleasePlace;
  readonly signer: Signer;
  readonly predecessor?: ReleaseDocument;
  /** Changes the document before it is signed. */
  readonly change?: (document: ReleaseDocument) => void;
  /** Changes what the install manifest runs. */
  readonly install?: (text: string) => string;
  /** Another signer for the document, or none. */
  readonly documentSigner?: Signer | undefined;
}

/** A release as it was published. */
export interface StagedRelease {
  readonly document: ReleaseDocument;
  readonly root: Descriptor;
  readonly images: ReadonlyMap<string, StagedImage>;
  readonly pins: string;
}

interface StagedImage {
  readonly index: Descriptor;
  readonly platforms: readonly Parcel[];
  readonly evidence: readonly EvidenceRecord[];
}

const CHANNEL = 'distroless';
const COMPONENTS = ['alpha', 'beta'] as const;
const ARCHITECTURES = ['amd64', 'arm64'] as const;
const REGISTRY = 'registry.example.com/flux';
const created = new Date('2026-08-21T00:00:00Z');

/** Publishes a release of two components for two platforms. */
export async function publishStagedRelease(choice: StagedReleaseChoice): Promise<StagedRelease> {
  const { revision, place, signer, predecessor } = choice;
  const images = new Map<string, StagedImage>();
  for (const component of COMPONENTS) images.set(component, await publishImage(component, choice));
  const document = releaseDocument(revision, {
    components: COMPONENTS,
    channels: [CHANNEL],
    platforms: ARCHITECTURES.map((one) => `linux/${one}` as const),
    digests: (path) => digestIn(images, path),
    ...(predecessor === undefined ? {} : { predecessor }),
  });
  for (const image of document.channels[CHANNEL]?.images ?? []) fillIn(image, images.get(image.component));
  const pins = document.channels[CHANNEL]?.images ?? [];
  const install = pins.map(({ name, version, digest }) => `        image: ${name}:${version}@${digest}\n`).join('');
  const text = `kind: Deployment\n${choice.install?.(install) ?? install}`;
  document.manifests = [await publishManifests(text, place, signer)];
  if (document.publication !== undefined) {
    document.publication.evidence = [...images.values()].flatMap(({ evidence }) => evidence);
    if (predecessor === undefined) delete document.publication.predecessor;
  }
  choice.change?.(document);
  const parcel = releaseArtifact(document);
  await place.put(RELEASES, parcel);
  const by = 'documentSigner' in choice ? choice.documentSigner : signer;
  if (by !== undefined) await sign(place, RELEASES, parcel.manifest.descriptor, by);
  for (const tag of [revision, document.release, '2.9']) await place.put(RELEASES, { ...parcel, blobs: [] }, tag);
  return {
    document,
    root: parcel.manifest.descriptor,
    images,
    pins: formatPins(pins.map(({ name, version, digest }) => ({ name, tag: version, digest }))),
  };
}

async function publishImage(component: string, { revision, place, signer }: StagedReleaseChoice): Promise<StagedImage> {
  const path = `${CHANNEL}/${component}`;
  const platforms = await Promise.all(ARCHITECTURES.map((one) => platformImage(`${component} ${revision}`, one)));
  for (const parcel of platforms) await place.put(path, parcel);
  const index = buildIndex(platforms.map(({ manifest }) => manifest.descriptor));
  const subjects = [index.descriptor, ...platforms.map(({ manifest }) => manifest.descriptor)];
  const tag = `v1.9.2-r${revision.split('-r')[1]}`;
  await place.put(path, { manifest: index, blobs: [] }, tag);
  const name = imageName(REGISTRY, CHANNEL, component);
  const claim = (subject: Descriptor, type: string, predicate: Claim['statement']['predicate']): Claim => ({
    statement: toStatement({ name, digest: subject.digest }, type, predicate),
    subjects: [subject],
  });
  const claims = subjects.flatMap((subject) => [
    claim(subject, PREDICATES.cosignSignature, {}),
    claim(subject, PREDICATES.provenanceV1, provenance()),
    claim(subject, PREDICATES.spdx, { spdxVersion: 'SPDX-2.3', packages: [{ name: component }] }),
  ]);
  const { attached } = await publishEvidence({ store: place.store(path), claims, signer, created });
  const evidence = attached.map(({ subject, predicateType, referrer }): EvidenceRecord => {
    const platform = platforms.findIndex(({ manifest }) => manifest.descriptor.digest === subject);
    const at = platform === -1 ? 'index' : (`linux/${ARCHITECTURES[platform] ?? 'amd64'}` as const);
    return { image: path, subject: at, predicateType, digest: referrer };
  });
  return { index: index.descriptor, platforms, evidence };
}

function digestIn(images: ReadonlyMap<string, StagedImage>, path: string): Digest {
  const [, component = '', , architecture] = path.split('/');
  const image = images.get(component);
  const found =
    architecture === undefined
      ? image?.index.digest
      : image?.platforms[ARCHITECTURES.findIndex((one) => one === architecture)]?.manifest.descriptor.digest;
  if (found === undefined) throw new Error(`no ${path}`);
  return found;
}

/** Writes into a record what its manifests really hold. */
function fillIn(
  image: NonNullable<ReleaseDocument['channels'][string]>['images'][number],
  staged: StagedImage | undefined,
): void {
  for (const [index, architecture] of ARCHITECTURES.entries()) {
    const parcel = staged?.platforms[index];
    const record = image.platforms[`linux/${architecture}`];
    if (parcel === undefined || record === undefined) throw new Error(`no ${architecture}`);
    const { config, layers } = parseManifest(parcel.manifest.bytes, 'staged');
    record.config = config.digest;
    record.layers = layers.map(({ digest, size }) => ({ digest, diffId: digest, size }));
  }
}

async function publishManifests(
  text: string,
  place: ReleasePlace,
  signer: Signer,
): Promise<NonNullable<ReleaseDocument['manifests']>[number]> {
  const { layer } = await fileLayer('gotk-components.yaml', text, 'application/vnd.cncf.flux.content.v1.tar+gzip');
  const config = toDocument({}, 'application/vnd.cncf.flux.config.v1+json');
  const manifest = buildManifest({ config: config.descriptor, layers: [layer.descriptor] });
  const path = `${CHANNEL}/flux-manifests`;
  await place.put(path, { manifest, blobs: [config, layer] }, 'v2.9.2');
  await sign(place, path, manifest.descriptor, signer);
  const { digest, size, mediaType } = manifest.descriptor;
  return {
    channel: CHANNEL,
    kind: 'flux-manifests',
    name: `${REGISTRY}/${path}`,
    tags: ['v2.9.2'],
    digest,
    size,
    mediaType,
  };
}

async function sign(place: ReleasePlace, path: string, subject: Descriptor, signer: Signer): Promise<void> {
  const statement = toStatement(
    { name: `${REGISTRY}/${path}`, digest: subject.digest },
    PREDICATES.cosignSignature,
    {},
  );
  await publishEvidence({ store: place.store(path), claims: [{ statement, subjects: [subject] }], signer, created });
}
