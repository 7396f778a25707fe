// SPDX-License-Identifier: Apache-2.0
import { createLayout, openLayout } from '#image';
import {
  type CompatibilityRecord,
  type EvidenceRecord,
  type FindingsRecord,
  imageName,
  layoutPlace,
  type ManifestsRecord,
  registryPlace,
  type ReleaseDocument,
  type ReleasePlace,
  RELEASES,
  type SupportRecord,
} from '#release';
import { buildVexDocument, type DocumentOrigin, type Feeds, type VexDecision, type VexImage } from '#vulnerabilities';
import { attachVex } from './attach-vex.ts';
import type { BuildRequest, ChannelImage } from './images.ts';
import type { Destination, PublishedImages } from './publish.ts';
import { publishRelease } from './publish-release.ts';
import { toReleaseDocument, toVexImages } from './release-document.ts';
import { isOfFeeds, releaseFindings } from './release-findings.ts';
import { type SigningOptions, toEvidence } from './sign.ts';
import type { Workshop } from './workshop.ts';

/** What is known on the day that a revision is published, beside what its inputs say. */
export interface ReleaseKnowledge {
  /** The feeds at hand; without them the document says that nothing was scanned. */
  readonly feeds?: Feeds;
  /** Gives what was decided about these images. */
  readonly decisions?: (images: readonly VexImage[]) => Promise<readonly VexDecision[]>;
  readonly origin: DocumentOrigin;
  /** Gives the runs on Kubernetes that tell of exactly the images of a document. */
  readonly compatibility?: (document: ReleaseDocument) => Promise<readonly CompatibilityRecord[]>;
  readonly support?: SupportRecord;
  /** Names a new path where a program may be kept while it is read. */
  readonly temporary: () => string;
}

/** A revision whose images are published. */
export interface DescribeReleaseRequest {
  readonly request: {
    readonly destination: Destination;
    readonly read: { readonly definition: { readonly registry: string } };
    readonly signing?: SigningOptions;
    readonly knowledge: ReleaseKnowledge;
  };
  readonly build: BuildRequest;
  readonly built: readonly ChannelImage[];
  readonly published: PublishedImages;
  readonly manifests?: readonly ManifestsRecord[];
}

/** Gives the registry that names the images: the one they go to, else that of the definition. */
export function registryOf({
  destination,
  read,
}: Pick<DescribeReleaseRequest['request'], 'destination' | 'read'>): string {
  return destination.kind === 'registry' ? destination.registry : read.definition.registry;
}

/** Gives where a destination's artifacts lie. */
export async function placeOf(destination: Destination): Promise<ReleasePlace> {
  if (destination.kind === 'registry') return registryPlace(destination.client, destination.registry);
  return layoutPlace(await createLayout(destination.folder), destination.folder);
}

/** Gives where a destination's artifacts lie, where anything can lie there: a layout is not made for a look, and a broken one is told of when it is written to. */
export async function existingPlace(destination: Destination): Promise<ReleasePlace | undefined> {
  if (destination.kind === 'registry') return placeOf(destination);
  const layout = await openLayout(destination.folder).catch(() => undefined);
  return layout === undefined ? undefined : layoutPlace(layout, destination.folder);
}

/**
 * Describes a revision when all else of it is published: attaches what was decided about it (VEX), scans it with the feeds at hand, and
 * publishes the release document.
 */
export async function describeRelease(wanted: DescribeReleaseRequest, shop: Workshop): Promise<ReleaseDocument> {
  const { request, build, built, published, manifests = [] } = wanted;
  const { destination, signing, knowledge } = request;
  const registry = registryOf(request);
  const place = await placeOf(destination);
  const nameOf = (image: ChannelImage) => imageName(registry, image.channel, image.component);
  const images = toReleaseDocument(build, published.images, nameOf);
  const document = manifests.length === 0 ? images : { ...images, manifests: [...manifests] };
  const vexImages = toVexImages(document);
  const decisions = (await knowledge.decisions?.(vexImages)) ?? [];
  const vex =
    signing === undefined ? [] : await attachDecisions({ decisions, place, vexImages, ...wanted }, signing, shop);
  const now = shop.clock.now();
  const stated = buildVexDocument({ decisions, images: vexImages, now, origin: knowledge.origin });
  const { support } = knowledge;
  const compatibility = (await knowledge.compatibility?.(document)) ?? [];
  const options = {
    document,
    place,
    kind: destination.kind,
    name: `${registry}/${RELEASES}`,
    now,
    known: {
      evidence: [...published.evidence, ...vex].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)),
      ...(compatibility.length === 0 ? {} : { compatibility: [...compatibility] }),
      ...(support === undefined ? {} : { support }),
    },
    findings: () =>
      releaseFindings({
        built,
        images: vexImages,
        feeds: knowledge.feeds,
        documents: stated === undefined ? [] : [stated],
        cache: shop.cache,
        now,
        temporary: knowledge.temporary,
      }),
    // Decisions are compared as the evidence that they become, so only where they are signed.
    ...(signing === undefined && decisions.length > 0
      ? {}
      : { isCurrent: (record: FindingsRecord) => isOfFeeds(record, knowledge.feeds) }),
    ...(signing === undefined ? {} : { signing }),
    report: shop.report,
  };
  return publishRelease(options);
}

async function attachDecisions(
  {
    decisions,
    place,
    vexImages,
    published,
    request,
  }: DescribeReleaseRequest & {
    readonly decisions: readonly VexDecision[];
    readonly place: ReleasePlace;
    readonly vexImages: readonly VexImage[];
  },
  signing: SigningOptions,
  shop: Workshop,
): Promise<readonly EvidenceRecord[]> {
  if (decisions.length === 0) return [];
  const targets = published.images.flatMap((image) => {
    const known = vexImages.find(({ index }) => index === image.index.descriptor.digest);
    const path = `${image.channel}/${image.component}`;
    return known === undefined ? [] : [{ image: known, root: image.index, store: place.store(path) }];
  });
  const attached = await attachVex(targets, {
    decisions,
    now: shop.clock.now(),
    origin: request.knowledge.origin,
    signing,
    report: shop.report,
  });
  return attached.flatMap(({ image, attached: claims }) => {
    const own = published.images.find(({ index }) => index.descriptor.digest === image.index);
    return own === undefined ? [] : toEvidence(own, claims);
  });
}

function orderOf({ image, subject, predicateType, digest }: EvidenceRecord): string {
  return [image, subject, predicateType, digest].join('\0');
}
