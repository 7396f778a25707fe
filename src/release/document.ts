// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';
import { type Digest, digestOf } from '#core';
import { readableJson } from '#formats';
import type { releaseSchema } from './document-schema.ts';

/**
 * The release document: what was built from what, and under `publication` what holds for one publication of it. Two equal builds write
 * equal documents but for `publication` and the digests of indexes, in which provenance holds times. docs/release-document.md describes it.
 */
export type ReleaseDocument = z.output<typeof releaseSchema>;

/** One channel of the release. Images stand in the order of the definition. */
export type ChannelRecord = ReleaseDocument['channels'][string];

/** One image of the release: its name and tags, its index and what its program was made from. */
export type ImageRecord = ChannelRecord['images'][number];

/** One platform of one image: what lies below its index, in bytes and digests. */
export type PlatformRecord = NonNullable<ImageRecord['platforms'][keyof ImageRecord['platforms']]>;

/** An artifact of manifests that install a channel. */
export type ManifestsRecord = NonNullable<ReleaseDocument['manifests']>[number];

/** What holds for one publication: times, signatures, and what was known on that day. */
export type Publication = NonNullable<ReleaseDocument['publication']>;

/** A signed statement about an image, and the manifest that carries it. */
export type EvidenceRecord = Publication['evidence'][number];

/** What was known of vulnerabilities: scanned with which feeds, or not at all and why. */
export type FindingsRecord = Publication['findings'];

/** A finding that was open when the revision was published. */
export type OpenFinding = Extract<FindingsRecord, { kind: 'scanned' }>['open'][number];

/** A finding that was decided to be no threat, or fixed. */
export type ClosedFinding = Extract<FindingsRecord, { kind: 'scanned' }>['closed'][number];

/** The verdict of a run of the real controllers on a Kubernetes minor. */
export type CompatibilityRecord = NonNullable<Publication['compatibility']>[number];

/** Kubernetes minors and the last day of support, as they were at publication. */
export type SupportRecord = NonNullable<Publication['support']>;

/** Gives all images of a document, each with what the document's own members call it: `channel/component`. */
export function imagesOf({
  channels,
}: Pick<ReleaseDocument, 'channels'>): readonly (readonly [place: string, image: ImageRecord])[] {
  return Object.entries(channels).flatMap(([channel, { images }]) =>
    images.map((image) => [`${channel}/${image.component}`, image] as const),
  );
}

/** Gives a release document's one text: keys sorted, two spaces, a newline at the end. */
export function formatReleaseDocument(document: ReleaseDocument): string {
  return readableJson(document);
}

/** Gives the digest that a document has in registries and in the `predecessor` of the next one: of its text. */
export function digestOfRelease(document: ReleaseDocument): Digest {
  return digestOf(formatReleaseDocument(document));
}
