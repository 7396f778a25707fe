// SPDX-License-Identifier: Apache-2.0
import { type Digest, hexOf } from '#core';
import {
  buildIndex,
  type ContentSource,
  type Descriptor,
  isIndexType,
  type Layout,
  type ManifestSink,
  MAX_MANIFEST_BYTES,
  parseIndex,
  parseManifest,
  readContent,
  type RegistryClient,
  type RepositoryName,
} from '#image';
import { type Parcel, plainDescriptor } from './parcel.ts';

/** Where evidence lies beside its image: a repository of a registry, or a layout. */
export interface EvidenceStore {
  /** Its name in messages. */
  readonly where: string;
  /** The content of the place, for reading manifests and blobs; unchecked, see {@link readContent}. */
  readonly source: ContentSource;
  /** Lists what refers to a digest. */
  referrers(digest: Digest): Promise<readonly Descriptor[]>;
  /** Finds what a name names; undefined when it is not there. */
  resolve(tag: string): Promise<Descriptor | undefined>;
  /** Stores a parcel, blobs first; what has a subject becomes one of its referrers. `tag` moves if it exists. */
  put(parcel: Parcel, tag?: string): Promise<void>;
}

/** Gives a repository as a place for evidence. The client keeps the fallback tag where the registry has no referrers API. */
export function registryEvidence(client: RegistryClient, name: RepositoryName): EvidenceStore {
  const sink = client.sink(name);
  return {
    where: `${name.registry}/${name.repository}`,
    source: client.source(name),
    referrers: (digest) => client.referrers(name, digest),
    resolve: (tag) => client.resolve({ ...name, tag }),
    put: (parcel, tag) => putParcel(parcel, sink, tag),
  };
}

/**
 * Gives an OCI layout as a place for evidence. A layout has no referrers API; the index that the distribution
 * specification's tag schema has ("Unavailable Referrers API") serves instead, named `sha256-HEX` in index.json.
 */
export function layoutEvidence(layout: Layout): EvidenceStore {
  const resolve = async (tag: string) => (await layout.references()).get(tag);
  const referrers = async (digest: Digest) => {
    const index = await resolve(referrersTag(digest));
    if (index === undefined) return [];
    return parseIndex(await readContent(layout, index, MAX_MANIFEST_BYTES), layout.folder).manifests;
  };
  return {
    where: layout.folder,
    source: layout,
    referrers,
    resolve,
    put: async (parcel, tag) => {
      await putParcel(parcel, layout, tag);
      const entry = referrerEntry(parcel);
      if (entry === undefined) return;
      const present = await referrers(entry.subject);
      if (present.some(({ digest }) => digest === entry.referrer.digest)) return;
      const index = buildIndex([...present, entry.referrer].sort((a, b) => (a.digest < b.digest ? -1 : 1)));
      await layout.putManifest(index.descriptor, index.bytes, referrersTag(entry.subject));
    },
  };
}

/** Gives the name of the index over a digest's referrers (distribution-spec 1.1, "Referrers Tag Schema"). */
export function referrersTag(digest: Digest): string {
  return `sha256-${hexOf(digest)}`;
}

async function putParcel({ manifest, blobs }: Parcel, sink: ManifestSink, tag?: string): Promise<void> {
  for (const { descriptor, bytes } of blobs) {
    if (await sink.has(descriptor)) continue;
    await sink.put(descriptor, async function* () {
      yield bytes;
    });
  }
  await sink.putManifest(plainDescriptor(manifest.descriptor), manifest.bytes, tag);
}

/** A referrer as a list of referrers shows it: type and annotations from inside (distribution-spec 1.1, "Listing Referrers"). */
function referrerEntry({ manifest }: Parcel): { subject: Digest; referrer: Descriptor } | undefined {
  const { descriptor, bytes } = manifest;
  const document = isIndexType(descriptor.mediaType)
    ? parseIndex(bytes, descriptor.digest)
    : parseManifest(bytes, descriptor.digest);
  const { subject, annotations } = document;
  if (subject === undefined) return undefined;
  const artifactType = document.artifactType ?? ('config' in document ? document.config.mediaType : undefined);
  const referrer = {
    ...plainDescriptor(descriptor),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { subject: subject.digest, referrer };
}
