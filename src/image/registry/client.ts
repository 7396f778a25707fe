// SPDX-License-Identifier: Apache-2.0
import { type Digest, discard } from '#core';
import { checkedContent, type ContentSource, type Descriptor, type ManifestSink } from '../content.ts';
import { parseManifest } from '../manifest.ts';
import { isIndexType, isManifestType } from '../media-types.ts';
import { downloadBlob } from './download.ts';
import { type FetchedManifest, fetchManifest, pushManifest, resolveManifest } from './manifests.ts';
import { listTags } from './pages.ts';
import { createPlaces, type Places } from './places.ts';
import type { Reference, RepositoryName } from './reference.ts';
import { addToFallback, listReferrers, readLink } from './referrers.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';
import { uploadBlob, type UploadOptions } from './upload.ts';

/** How a blob came to be in a repository. */
export type Placed = 'present' | 'mounted' | 'uploaded';

/** What {@link openRegistry} needs. `chunkBytes` uploads blobs in pieces of that size instead of in one request. */
export interface RegistryOptions extends TransportOptions {
  readonly chunkBytes?: number;
}

/** A client of OCI registries (distribution-spec 1.1 and the older 2.x API); which one, the names say. */
export interface RegistryClient {
  /** Finds what a tag or digest names; undefined when it is not there. */
  resolve(reference: Reference): Promise<Descriptor | undefined>;
  /** Fetches a manifest or index, 4 MiB at most, digest checked. Throws `MANIFEST_UNKNOWN`, `BLOB_DIGEST_MISMATCH`. */
  manifest(reference: Reference): Promise<FetchedManifest>;
  /** Streams a blob, checked to its last byte and resumed when the connection breaks. */
  blob(name: RepositoryName, descriptor: Descriptor): AsyncIterable<Uint8Array>;
  hasBlob(name: RepositoryName, descriptor: Descriptor): Promise<boolean>;
  /**
   * Brings a blob into a repository. One that this client knows to be in another repository of the registry, or is just
   * uploading there, is mounted from it, so that it travels once. `bytes` is called anew for each attempt, or not at all.
   */
  putBlob(
    name: RepositoryName,
    descriptor: Descriptor,
    bytes: () => AsyncIterable<Uint8Array>,
    options?: UploadOptions,
  ): Promise<Placed>;
  /** Stores a manifest by digest, or under a tag; keeps the fallback tag of its subject where the registry keeps no referrers. */
  putManifest(name: RepositoryName, descriptor: Descriptor, bytes: Uint8Array, tag?: string): Promise<void>;
  tags(name: RepositoryName): Promise<readonly string[]>;
  /** Lists the manifests that refer to a digest, by the referrers API or the fallback tag. */
  referrers(name: RepositoryName, digest: Digest): Promise<readonly Descriptor[]>;
  sink(name: RepositoryName): ManifestSink;
  source(name: RepositoryName): ContentSource;
}

interface Registry {
  readonly transport: Transport;
  readonly places: Places;
}

/** Gives a client. Nothing is sent and no credential read before the first call. All calls throw ImageError. */
export function openRegistry(options: RegistryOptions): RegistryClient {
  const registries = new Map<string, Registry>();
  const to = (name: RepositoryName) => {
    const known = registries.get(name.registry) ?? {
      transport: createTransport(name.registry, options),
      places: createPlaces(),
    };
    registries.set(name.registry, known);
    return known;
  };

  async function hasBlob(name: RepositoryName, descriptor: Descriptor): Promise<boolean> {
    const { transport, places } = to(name);
    if (places.holds(descriptor.digest, name.repository)) return true;
    const request = {
      repository: name.repository,
      to: `blobs/${descriptor.digest}`,
      method: 'HEAD' as const,
      scopes: [{ repository: name.repository, actions: 'pull' as const }],
    };
    const response = await transport.send(request);
    await discard(response);
    if (response.status === 200) places.note(descriptor.digest, name.repository);
    else if (response.status !== 404) throw await transport.refusal(request, response);
    return response.status === 200;
  }

  /** Uploads or mounts without asking first. */
  function place(
    name: RepositoryName,
    descriptor: Descriptor,
    bytes: () => AsyncIterable<Uint8Array>,
    chosen: UploadOptions,
  ): Promise<Placed> {
    const { transport, places } = to(name);
    return places.inTurn(descriptor.digest, async () => {
      if (places.holds(descriptor.digest, name.repository)) return 'present';
      const mountFrom = chosen.mountFrom ?? places.holder(descriptor.digest);
      const chunkBytes = chosen.chunkBytes ?? options.chunkBytes;
      const how = await uploadBlob(transport, { repository: name.repository, descriptor }, bytes, {
        ...(mountFrom === undefined ? {} : { mountFrom }),
        ...(chunkBytes === undefined ? {} : { chunkBytes }),
      });
      places.note(descriptor.digest, name.repository);
      return how;
    });
  }

  async function putManifest(name: RepositoryName, descriptor: Descriptor, bytes: Uint8Array, tag?: string) {
    const { transport, places } = to(name);
    const linked = await pushManifest(transport, name.repository, { descriptor, bytes }, tag);
    const link = linked === undefined ? readLink(descriptor, bytes) : undefined;
    if (link === undefined) return;
    await places.inTurn(link.subject, () => addToFallback(transport, name.repository, link));
  }

  const blob = (name: RepositoryName, descriptor: Descriptor) =>
    downloadBlob(to(name).transport, name.repository, descriptor);
  return {
    hasBlob,
    putManifest,
    resolve: (reference) => resolveManifest(to(reference).transport, reference),
    manifest: (reference) => fetchManifest(to(reference).transport, reference),
    blob: (name, descriptor) =>
      checkedContent(descriptor, blob(name, descriptor), `${name.registry}/${name.repository}`),
    putBlob: async (name, descriptor, bytes, chosen = {}) =>
      (await hasBlob(name, descriptor)) ? 'present' : place(name, descriptor, bytes, chosen),
    tags: (name) => listTags(to(name).transport, name.repository),
    referrers: (name, digest) => listReferrers(to(name).transport, name.repository, digest),
    sink: (name) => ({
      has: async (descriptor) => {
        if (!isDocument(descriptor)) return hasBlob(name, descriptor);
        return (await resolveManifest(to(name).transport, { ...name, digest: descriptor.digest })) !== undefined;
      },
      put: async (descriptor, bytes) => {
        await place(name, descriptor, bytes, {});
      },
      putManifest: (descriptor, bytes, tag) => putManifest(name, descriptor, bytes, tag),
    }),
    source: (name) => ({
      open: (descriptor) =>
        isDocument(descriptor) ? openDocument(to(name), name, descriptor) : blob(name, descriptor),
    }),
  };
}

/** Yields a manifest, and remembers that its repository holds what it points at: a copy within one registry then mounts. */
async function* openDocument({ transport, places }: Registry, name: RepositoryName, descriptor: Descriptor) {
  const { bytes } = await fetchManifest(transport, { ...name, digest: descriptor.digest });
  if (isManifestType(descriptor.mediaType)) {
    const { config, layers } = parseManifest(bytes, descriptor.digest);
    for (const blob of [config, ...layers]) places.note(blob.digest, name.repository);
  }
  yield bytes;
}

function isDocument(descriptor: Descriptor): boolean {
  return isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType);
}
