// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { lineOf, orderRevisions, parseRevision, type ReleaseDocument } from '#release';

/** An image of the distribution, found by a digest. */
export interface KnownImage {
  readonly component: string;
  readonly channel: string;
  readonly revision: string;
  readonly version: string;
  /** Of its index. */
  readonly digest: Digest;
  readonly document: ReleaseDocument;
}

/** All images of the release documents at hand. */
export interface Catalog {
  /** By the digest of an index or of a platform's manifest: runtimes report either. Of several revisions with one image the newest. */
  find(digest: string): KnownImage | undefined;
  /** The newest image of a component in a channel and line. */
  newest(image: Pick<KnownImage, 'component' | 'channel' | 'revision'>): KnownImage | undefined;
  readonly revisions: readonly string[];
}

/** Takes release documents in any order; gives the catalog of their images. */
export function openCatalog(documents: readonly ReleaseDocument[]): Catalog {
  const sorted = [...documents].sort(compareDocuments);
  const byDigest = new Map<string, KnownImage>();
  const newest = new Map<string, KnownImage>();
  for (const document of sorted) {
    for (const [channel, { images }] of Object.entries(document.channels)) {
      for (const { component, version, digest, platforms } of images) {
        const image = { component, channel, revision: document.revision, version, digest, document };
        newest.set(keyOf(image), image);
        byDigest.set(digest, image);
        for (const platform of Object.values(platforms)) byDigest.set(platform.manifest, image);
      }
    }
  }
  return {
    find: (digest) => byDigest.get(digest),
    newest: (image) => newest.get(keyOf(image)),
    revisions: sorted.map(({ revision }) => revision),
  };
}

function compareDocuments(a: ReleaseDocument, b: ReleaseDocument): number {
  const [first, second] = [parseRevision(a.revision), parseRevision(b.revision)];
  return first === undefined || second === undefined ? 0 : orderRevisions(first, second);
}

function keyOf({ component, channel, revision }: Pick<KnownImage, 'component' | 'channel' | 'revision'>): string {
  return `${channel}/${component} ${lineOf(revision)}`;
}
