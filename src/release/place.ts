// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { type EvidenceStore, layoutEvidence, type Parcel, registryEvidence } from '#evidence';
import {
  type Descriptor,
  type Document,
  ImageError,
  type Layout,
  MAX_MANIFEST_BYTES,
  readContent,
  type RegistryClient,
  type RepositoryName,
} from '#image';

/** The repository of release documents, beside the channels. */
export const RELEASES = 'releases';

/**
 * Where a distribution is published: below a path of a registry, or in a layout, which has the same names without a registry. `path` is
 * a repository below it: `releases`, `distroless/source-controller`.
 */
export interface ReleasePlace {
  /** Its name in messages. */
  readonly where: string;
  /** Names a repository, and what is in it, as people would. */
  name(path: string, reference?: string): string;
  /** What lies in a repository, and what is attached to it. */
  store(path: string): EvidenceStore;
  /** Finds what a tag names; undefined when it is not there. */
  resolve(path: string, tag: string): Promise<Descriptor | undefined>;
  /** Reads a manifest or index by its digest. Throws `MANIFEST_UNKNOWN` or `BLOB_MISSING` when it is not there. */
  read(path: string, digest: Digest): Promise<Document>;
  /** Stores a manifest and what is below it. `tag` moves if it exists. */
  put(path: string, parcel: Parcel, tag?: string): Promise<void>;
  /** Lists the tags of a repository; none where there is no such repository. */
  tags(path: string): Promise<readonly string[]>;
}

/** Takes a registry with an optional path and a repository below it; gives that repository's name. */
export function parsePlace(registry: string, path: string): RepositoryName {
  const [host = '', ...folders] = registry.split('/');
  return { registry: host, repository: [...folders, path].join('/') };
}

/** Takes a registry with an optional path, like `registry.example.com/flux`; gives what is published below it. */
export function registryPlace(client: RegistryClient, registry: string): ReleasePlace {
  const at = (path: string) => parsePlace(registry, path);
  return {
    where: registry,
    name: (path, reference = '') => `${registry}/${path}${separated(reference)}`,
    store: (path) => registryEvidence(client, at(path)),
    resolve: (path, tag) => client.resolve({ ...at(path), tag }),
    read: (path, digest) => client.manifest({ ...at(path), digest }),
    put: (path, parcel, tag) => registryEvidence(client, at(path)).put(parcel, tag),
    tags: async (path) => {
      try {
        return await client.tags(at(path));
      } catch (error) {
        if (error instanceof ImageError && error.code === 'REGISTRY_NAME_UNKNOWN') return [];
        throw error;
      }
    },
  };
}

/** Gives what is published in a layout. `shown` is how people name its folder. */
export function layoutPlace(layout: Layout, shown: string): ReleasePlace {
  const store = layoutEvidence(layout);
  return {
    where: shown,
    name: (path, reference = '') => `oci:${shown}:${path}${separated(reference)}`,
    store: () => store,
    resolve: (path, tag) => store.resolve(`${path}:${tag}`),
    read: async (path, digest) => {
      for (const named of (await layout.references()).values())
        if (named.digest === digest)
          return { descriptor: named, bytes: await readContent(layout, named, MAX_MANIFEST_BYTES) };
      throw new ImageError('MANIFEST_UNKNOWN', `the layout names no ${digest}`, { where: `${shown}, ${path}` });
    },
    put: (path, parcel, tag) => store.put(parcel, tag === undefined ? undefined : `${path}:${tag}`),
    tags: async (path) =>
      [...(await layout.references()).keys()].flatMap((name) =>
        name.startsWith(`${path}:`) ? [name.slice(path.length + 1)] : [],
      ),
  };
}

function separated(reference: string): string {
  return reference === '' ? '' : reference.startsWith('sha256:') ? `@${reference}` : `:${reference}`;
}
