// SPDX-License-Identifier: Apache-2.0
import { type Digest, digestOf } from '#core';
import { EMPTY_CONFIG, type Parcel } from '#evidence';
import { isModuleVersion } from '#formats';
import { buildManifest, type Document, MAX_MANIFEST_BYTES, parseManifest, readContent } from '#image';
import { formatReleaseDocument, type ReleaseDocument } from './document.ts';
import { RELEASE_DOCUMENT_TYPE } from './document-schema.ts';
import { ReleaseError } from './error.ts';
import { type ReleasePlace, RELEASES } from './place.ts';
import { MOST_DOCUMENT_BYTES, parseReleaseDocument } from './read-document.ts';
import { parseRevision, type Revision } from './revision.ts';

/** A document as it is published: its values, the digest of its text, and the manifest that carries it. */
export interface PublishedRelease {
  readonly document: ReleaseDocument;
  readonly digest: Digest;
  readonly root: Document;
}

/**
 * Gives the artifact that carries a release document (OCI image-spec 1.1, manifest.md "Guidelines for Artifact Usage"): the document's
 * text is the one layer and gives the artifact type; there is no config. The same document gives the same manifest.
 */
export function releaseArtifact(document: ReleaseDocument): Parcel {
  const bytes = Buffer.from(formatReleaseDocument(document), 'utf8');
  const descriptor = {
    mediaType: RELEASE_DOCUMENT_TYPE,
    digest: digestOf(bytes),
    size: bytes.length,
    annotations: { 'org.opencontainers.image.title': 'release.json' },
  };
  const created = document.publication?.created;
  const manifest = buildManifest({
    artifactType: RELEASE_DOCUMENT_TYPE,
    config: EMPTY_CONFIG.descriptor,
    layers: [descriptor],
    annotations: {
      'org.opencontainers.image.version': document.revision,
      ...(created === undefined ? {} : { 'org.opencontainers.image.created': created }),
    },
  });
  return { manifest, blobs: [EMPTY_CONFIG, { descriptor, bytes }] };
}

/**
 * Reads the release document that a manifest of a place's `releases` carries; `name` names it in errors. Throws `RELEASE_INVALID` where
 * it carries something else, what {@link parseReleaseDocument} throws, and what the place throws.
 */
export async function readReleaseArtifact(
  place: ReleasePlace,
  root: Document,
  name: string,
): Promise<PublishedRelease> {
  const manifest = parseManifest(root.bytes, name);
  const [layer, ...more] = manifest.layers;
  if (layer === undefined || more.length > 0 || !layer.mediaType.startsWith('application/vnd.oakum.release.')) {
    throw new ReleaseError('RELEASE_INVALID', 'this is no release document', {
      where: name,
      hint: `A release document is an artifact with one layer of ${RELEASE_DOCUMENT_TYPE}; \`oakum release\` publishes it under ${RELEASES}.`,
    });
  }
  const bytes = await readContent(place.store(RELEASES).source, layer, MOST_DOCUMENT_BYTES);
  return { document: parseReleaseDocument(bytes.toString('utf8'), name), digest: layer.digest, root };
}

/** Lists the revisions that a place has documents of, in no order. Tags that name none are not looked at. */
export async function publishedRevisions(place: ReleasePlace): Promise<readonly Revision[]> {
  const revisions = (await place.tags(RELEASES)).flatMap((tag) => parseRevision(tag) ?? []);
  return revisions.filter(({ release }) => isModuleVersion(`v${release}`));
}

/** Reads the document that a tag of `releases` names; undefined where there is no such tag. Throws what {@link readReleaseArtifact} throws. */
export async function findRelease(place: ReleasePlace, tag: string): Promise<PublishedRelease | undefined> {
  const found = await place.resolve(RELEASES, tag);
  if (found === undefined) return undefined;
  const bytes = await readContent(place.store(RELEASES).source, found, MAX_MANIFEST_BYTES);
  return readReleaseArtifact(place, { descriptor: found, bytes }, place.name(RELEASES, tag));
}
