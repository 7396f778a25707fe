// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import { type Report, type ReportEvent, reportStep } from '#core';
import { ATTESTATION_MANIFEST, layoutEvidence, REFERENCE_TYPE, registryEvidence } from '#evidence';
import {
  cacheSource,
  copyImage,
  createLayout,
  type Document,
  parseIndex,
  type RegistryClient,
  type RepositoryName,
  storeInLayout,
} from '#image';
import { type EvidenceRecord, type ImageTags, imageName, imageTags, parsePlace, registryPlace } from '#release';
import { FactoryError } from './error.ts';
import { type ChannelImage, settled } from './images.ts';
import { moveTags } from './move-tags.ts';
import { forward } from './forward.ts';
import { type SigningOptions, signImages } from './sign.ts';

/** Where images go: an OCI layout in a folder, or a registry with an optional path (`registry.example.com/flux`). */
export type Destination =
  | { readonly kind: 'layout'; readonly folder: string }
  | { readonly kind: 'registry'; readonly client: RegistryClient; readonly registry: string };

/** What {@link publish} needs beside the images. `registry` is the one that names them. */
export interface PublishOptions {
  readonly cache: Cache;
  readonly revision: number;
  readonly registry: string;
  readonly report: Report;
  readonly signing?: SigningOptions;
}

/** Images as they are published, and what was signed about them. */
export interface PublishedImages {
  readonly images: readonly ChannelImage[];
  readonly evidence: readonly EvidenceRecord[];
}

/**
 * Puts images where they can be pulled, with their evidence. In a registry a revision shows whole or not at all: first all
 * content, then signatures, then every immutable tag, then the moving ones, all or none. What breaks off is finished by the next run.
 * Gives the images as they are published, and the evidence that hangs on them: where an immutable tag names the same platform manifests
 * already, its index stays, and nothing is signed beside it: what else that index holds is not ours to vouch for. Throws
 * `REVISION_EXISTS` before anything is pushed when it names others.
 */
export async function publish(
  images: readonly ChannelImage[],
  destination: Destination,
  options: PublishOptions,
): Promise<PublishedImages> {
  if (destination.kind === 'registry') return toRegistry(images, destination, options);
  return { images, evidence: await toLayout(images, destination.folder, options) };
}

/** In a layout an image is named without registry: `distroless/source-controller:v1.9.3`. */
async function toLayout(
  images: readonly ChannelImage[],
  folder: string,
  options: PublishOptions,
): Promise<PublishedImages['evidence']> {
  const layout = await createLayout(folder);
  await reportStep(options.report, { subject: 'layout', step: 'write' }, async () => {
    for (const image of images) {
      const { immutable, moving } = imageTags(image.version, options.revision);
      for (const tag of [immutable, moving]) {
        const name = `${image.channel}/${image.component}:${tag}`;
        await storeInLayout(image.index.descriptor, name, options.cache.blobs, layout);
      }
    }
    return { cached: false };
  });
  if (options.signing === undefined) return [];
  const store = layoutEvidence(layout);
  const targets = images.map((image) => ({
    image,
    store,
    name: imageName(options.registry, image.channel, image.component),
  }));
  return signImages(targets, { ...options.signing, report: options.report });
}

interface Target {
  readonly image: ChannelImage;
  readonly repository: RepositoryName;
  readonly tags: ImageTags;
  /** Whether the immutable tag names these platforms' manifests already: in our index, or in the index of another build of the same. */
  readonly published: 'no' | 'ours' | 'other';
}

async function toRegistry(
  images: readonly ChannelImage[],
  { client, registry }: Extract<Destination, { kind: 'registry' }>,
  options: PublishOptions,
): Promise<PublishedImages> {
  const { report, signing } = options;
  const targets = await Promise.all(
    images.map((image) =>
      toTarget(image, { repository: repositoryOf(registry, image), client, revision: options.revision }),
    ),
  );
  await reportStep(report, { subject: registry, step: 'push' }, async () => {
    const from = cacheSource(options.cache.blobs);
    const fresh = targets.filter(({ published }) => published === 'no');
    await settled(
      fresh.map(({ image, repository }) =>
        copyImage({
          from,
          to: client.sink(repository),
          root: image.index.descriptor,
          tags: [],
          subject: image.component,
          report,
        }),
      ),
    );
    return { cached: fresh.length === 0 };
  });
  let evidence: PublishedImages['evidence'] = [];
  if (signing !== undefined) {
    const ours = targets.filter(({ published }) => published !== 'other');
    for (const target of targets) if (!ours.includes(target)) report(keptIndex(target));
    const signed = ours.map(({ image, repository }) => ({
      image,
      name: `${repository.registry}/${repository.repository}`,
      store: registryEvidence(client, repository),
    }));
    evidence = await signImages(signed, { ...signing, report });
  }
  await tagImmutable(targets, client);
  const place = registryPlace(client, registry);
  const moves = targets.map(({ image, tags }) => ({
    path: pathOf(image),
    tag: tags.moving,
    to: image.index,
    revision: { release: image.version, number: options.revision },
  }));
  await moveTags(await forward(moves, place), { place, report });
  return { images: targets.map((target) => target.image), evidence };
}

async function tagImmutable(targets: readonly Target[], client: RegistryClient): Promise<void> {
  const fresh = targets.filter(({ published }) => published === 'no');
  await settled(
    fresh.map(({ image, repository, tags }) =>
      client.putManifest(repository, image.index.descriptor, image.index.bytes, tags.immutable),
    ),
  );
}

interface TargetRequest {
  readonly repository: RepositoryName;
  readonly client: RegistryClient;
  readonly revision: number;
}

/** Looks whether the revision is there already. Provenance holds times, so another build of the same has another index. */
async function toTarget(image: ChannelImage, { repository, client, revision }: TargetRequest): Promise<Target> {
  const tags = imageTags(image.version, revision);
  const reference = { ...repository, tag: tags.immutable };
  const found = await client.resolve(reference);
  if (found === undefined) return { image, repository, tags, published: 'no' };
  if (found.digest === image.index.descriptor.digest) return { image, repository, tags, published: 'ours' };
  const { descriptor, bytes } = await client.manifest(reference);
  if (platformsOf({ descriptor, bytes }) === platformsOf(image.index)) {
    return { image: { ...image, index: { descriptor, bytes } }, repository, tags, published: 'other' };
  }
  throw new FactoryError('REVISION_EXISTS', `the revision is published already with other content (${found.digest})`, {
    where: `${repository.registry}/${repository.repository}:${tags.immutable}`,
    hint: 'Revisions never change. Publish the new content as the next one (--revision 1), or build from the lock that made the first.',
  });
}

function keptIndex({ repository, tags }: Target): ReportEvent {
  const name = `${repository.registry}/${repository.repository}:${tags.immutable}`;
  return {
    kind: 'note',
    message: `${name} was published by another build of the same content; its index and evidence stay (\`oakum verify ${name}\` checks them)`,
  };
}

/** Gives what counts as the content of an index: its manifests and the platforms they are for, attestations aside. */
function platformsOf({ descriptor, bytes }: Pick<Document, 'descriptor' | 'bytes'>): string {
  const { manifests } = parseIndex(bytes, descriptor.digest);
  return manifests
    .filter(({ annotations }) => annotations?.[REFERENCE_TYPE] !== ATTESTATION_MANIFEST)
    .map(({ digest, platform }) => `${platform?.os}/${platform?.architecture}/${platform?.variant ?? ''} ${digest}`)
    .sort()
    .join();
}

/** Takes a registry with an optional path and an image; gives the image's repository there. */
export function repositoryOf(registry: string, image: Pick<ChannelImage, 'channel' | 'component'>): RepositoryName {
  return parsePlace(registry, pathOf(image));
}

/** Gives the repository of an image below whatever registry: `distroless/source-controller`. */
export function pathOf({ channel, component }: Pick<ChannelImage, 'channel' | 'component'>): string {
  return `${channel}/${component}`;
}
