// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { type ContentSource, checkedContent, type Descriptor, type ManifestSink } from '../content.ts';
import { downloadBlob } from './download.ts';
import { type FetchedManifest, fetchManifest, resolveManifest } from './manifests.ts';
import { listTags } from './pages.ts';
import { createPlaces, type Places } from './places.ts';
import type { Reference, RepositoryName } from './reference.ts';
import { listReferrers } from './referrers.ts';
import { hasBlob, type Placed, placeBlob, putManifest, type Repository, toSink, toSource } from './repository.ts';
import { createTransport, type Transport, type TransportOptions } from './transport.ts';
import type { UploadOptions } from './upload.ts';

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
  /** Says whether a blob is there; what this client saw there once it does not ask for again. */
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
  /** Lists all tags of a repository. Throws `REGISTRY_NAME_UNKNOWN`. */
  tags(name: RepositoryName): Promise<readonly string[]>;
  /** Lists the manifests that refer to a digest, by the referrers API or the fallback tag. */
  referrers(name: RepositoryName, digest: Digest): Promise<readonly Descriptor[]>;
  /** Gives a repository as a place to copy to, for copyImage. */
  sink(name: RepositoryName): ManifestSink;
  /** Gives a repository as a place to copy from, for copyImage. */
  source(name: RepositoryName): ContentSource;
}

/** Gives a client. Nothing is sent and no credential read before the first call. All calls throw ImageError. */
export function openRegistry(options: RegistryOptions): RegistryClient {
  const registries = new Map<string, { readonly transport: Transport; readonly places: Places }>();
  const at = ({ registry, repository }: RepositoryName): Repository => {
    const known = registries.get(registry) ?? {
      transport: createTransport(registry, options),
      places: createPlaces(),
    };
    registries.set(registry, known);
    return { ...known, repository, ...(options.chunkBytes === undefined ? {} : { chunkBytes: options.chunkBytes }) };
  };
  return {
    resolve: (reference) => resolveManifest(at(reference).transport, reference),
    manifest: (reference) => fetchManifest(at(reference).transport, reference),
    blob: (name, descriptor) =>
      checkedContent(
        descriptor,
        downloadBlob(at(name).transport, name.repository, descriptor),
        `${name.registry}/${name.repository}`,
      ),
    hasBlob: (name, descriptor) => hasBlob(at(name), descriptor),
    putBlob: async (name, descriptor, bytes, chosen) =>
      (await hasBlob(at(name), descriptor, 'pull,push')) ? 'present' : placeBlob(at(name), descriptor, bytes, chosen),
    putManifest: (name, descriptor, bytes, tag) => putManifest(at(name), descriptor, bytes, tag),
    tags: (name) => listTags(at(name).transport, name.repository),
    referrers: (name, digest) => listReferrers(at(name).transport, name.repository, digest),
    sink: (name) => toSink(at(name)),
    source: (name) => toSource(at(name)),
  };
}
