// SPDX-License-Identifier: Apache-2.0
import { discard } from '#core';
import type { ContentSource, Descriptor, ManifestSink } from '../content.ts';
import { parseManifest } from '../manifest.ts';
import { isIndexType, isManifestType } from '../media-types.ts';
import type { Scope } from './authorizer.ts';
import { downloadBlob } from './download.ts';
import { fetchManifest, pushManifest, resolveManifest } from './manifests.ts';
import type { Places } from './places.ts';
import { addToFallback, readLink } from './referrers.ts';
import type { RegistryRequest, Transport } from './transport.ts';
import { type UploadOptions, uploadBlob } from './upload.ts';

/** How a blob came to be in a repository. */
export type Placed = 'present' | 'mounted' | 'uploaded';

/** A repository of a registry, with what is known of the whole registry. */
export interface Repository {
  readonly transport: Transport;
  readonly places: Places;
  readonly repository: string;
  readonly chunkBytes?: number;
}

/** Says whether a blob is there; what was seen or brought there once is not asked for again. */
export async function hasBlob(
  { transport, places, repository }: Repository,
  descriptor: Descriptor,
  actions: Scope['actions'] = 'pull',
): Promise<boolean> {
  if (places.holds(descriptor.digest, repository)) return true;
  const request: RegistryRequest = {
    repository,
    to: `blobs/${descriptor.digest}`,
    method: 'HEAD',
    scopes: [{ repository, actions }],
  };
  const response = await transport.send(request);
  await discard(response);
  if (response.status === 200) places.note(descriptor.digest, repository);
  else if (response.status !== 404) throw await transport.refusal(request, response);
  return response.status === 200;
}

/** Mounts or uploads a blob without asking first whether it is there. */
export async function placeBlob(
  { transport, places, repository, ...own }: Repository,
  descriptor: Descriptor,
  bytes: () => AsyncIterable<Uint8Array>,
  options: UploadOptions = {},
): Promise<Placed> {
  return places.inTurn(descriptor.digest, async () => {
    if (places.holds(descriptor.digest, repository)) return 'present';
    const mountFrom = options.mountFrom ?? places.holder(descriptor.digest);
    const chunkBytes = options.chunkBytes ?? own.chunkBytes;
    const how = await uploadBlob(transport, { repository, descriptor }, bytes, {
      ...(mountFrom === undefined ? {} : { mountFrom }),
      ...(chunkBytes === undefined ? {} : { chunkBytes }),
    });
    places.note(descriptor.digest, repository);
    return how;
  });
}

/** Stores a manifest by digest, or under a tag, and keeps the fallback tag of its subject where the registry needs one. */
export async function putManifest(
  { transport, places, repository }: Repository,
  descriptor: Descriptor,
  bytes: Uint8Array,
  tag?: string,
): Promise<void> {
  const linked = await pushManifest(transport, repository, { descriptor, bytes }, tag);
  const link = linked === undefined ? readLink(descriptor, bytes) : undefined;
  if (link === undefined) return;
  await places.inTurn(link.subject, () => addToFallback(transport, repository, link));
}

/** Gives a repository as a place to copy to. */
export function toSink(target: Repository): ManifestSink {
  const { transport, repository } = target;
  return {
    has: async (descriptor) => {
      if (!isDocument(descriptor)) return hasBlob(target, descriptor, 'pull,push');
      const reference = { registry: transport.registry, repository, digest: descriptor.digest };
      return (await resolveManifest(transport, reference, 'pull,push')) !== undefined;
    },
    put: async (descriptor, bytes) => {
      await placeBlob(target, descriptor, bytes);
    },
    putManifest: (descriptor, bytes, tag) => putManifest(target, descriptor, bytes, tag),
  };
}

/** Gives a repository as a place to copy from; blobs are resumed, and left to the reader to check. */
export function toSource(origin: Repository): ContentSource {
  return {
    open: (descriptor) =>
      isDocument(descriptor)
        ? openDocument(origin, descriptor)
        : downloadBlob(origin.transport, origin.repository, descriptor),
  };
}

/** Yields a manifest, and notes that its repository holds what it points at: a copy within one registry then mounts. */
async function* openDocument({ transport, places, repository }: Repository, { digest, mediaType }: Descriptor) {
  const { bytes } = await fetchManifest(transport, { registry: transport.registry, repository, digest });
  if (isManifestType(mediaType)) {
    const { config, layers } = parseManifest(bytes, digest);
    for (const blob of [config, ...layers]) places.note(blob.digest, repository);
  }
  yield bytes;
}

function isDocument(descriptor: Descriptor): boolean {
  return isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType);
}
