// SPDX-License-Identifier: Apache-2.0
import type { Definition, Lock } from '#definition';
import { type Json, readableJson } from '#formats';
import { imageName, sourceRevision } from '#release';
import { buildVexDocument } from '#vulnerabilities';
import { placeOf, type ReleaseKnowledge } from './describe-release.ts';
import type { BuildRequest, ChannelImage } from './images.ts';
import { openManifests } from './manifests.ts';
import type { Destination } from './publish.ts';
import { publishManifests, type PublishedManifests } from './publish-manifests.ts';
import { toReleaseDocument, toVexImages } from './release-document.ts';
import type { Selection } from './selection.ts';
import type { SigningOptions } from './sign.ts';
import type { Workshop } from './workshop.ts';

/** Which release's manifests are made, and where they go. Definition and lock are as they were read. */
export interface ReleaseManifestsRequest {
  readonly definition: Definition;
  /** Holds the tool kustomize. */
  readonly lock: Lock;
  readonly release: string;
  readonly revision: number;
  readonly selection: Selection;
  readonly destination: Destination;
  /** The one that names the images. */
  readonly registry: string;
  readonly knowledge: ReleaseKnowledge;
  readonly signing?: SigningOptions;
}

/** Makes and publishes the manifests that run these images, which a build has made. */
export type MakeReleaseManifests = (
  images: readonly ChannelImage[],
  build: BuildRequest,
) => Promise<PublishedManifests>;

const NONE: PublishedManifests = { records: [], files: [] };

/**
 * Gives what makes and publishes a release's manifests once its images are published. To be called before anything is built: throws
 * `LOCK_INCOMPLETE` at once. It makes none where the definition says so, nor of a part of the components: `v2.9.2` must never name
 * manifests that lack some.
 */
export function openReleaseManifests(request: ReleaseManifestsRequest, shop: Workshop): MakeReleaseManifests {
  const { definition, selection, lock, release } = request;
  if (!definition.manifests.make) return async () => NONE;
  const missing = Object.keys(definition.components).filter((name) => !selection.components.includes(name));
  if (missing.length > 0) {
    return async () => {
      shop.report({ kind: 'note', message: `no install manifests are made: ${missing.join(', ')} were not built` });
      return NONE;
    };
  }
  const manifests = openManifests(request, shop);
  return async (images, build) => {
    const { pullSecret } = definition.manifests;
    const channels = selection.channels.map((channel) => ({
      channel,
      images: images
        .filter((image) => image.channel === channel)
        .map(({ component, version, index }) => ({ component, version, digest: index.descriptor.digest })),
      ...(pullSecret === undefined ? {} : { options: { pullSecret } }),
    }));
    const flux = lock.releases[release]?.flux;
    if (flux === undefined) throw new TypeError(`Flux ${release} was built without a lock`);
    const { time, origin } = await (await shop.sources()).info(flux);
    const { signing } = request;
    return publishManifests(
      {
        ...request,
        manifests,
        channels,
        kind: request.destination.kind,
        place: await placeOf(request.destination),
        origin: {
          created: time,
          source: origin?.url ?? 'https://github.com/fluxcd/flux2',
          revision: sourceRevision(`v${release}`, origin?.commit),
        },
        vendor: definition.vendor,
        vex: await vexOf(images, build, { request, now: shop.clock.now() }),
        ...(signing === undefined ? {} : { signing }),
      },
      shop,
    );
  };
}

/** Gives what was decided about the images of a channel as one OpenVEX document; undefined where nothing was. */
async function vexOf(
  images: readonly ChannelImage[],
  build: BuildRequest,
  { request, now }: { readonly request: ReleaseManifestsRequest; readonly now: Date },
): Promise<(channel: string) => string | undefined> {
  const { registry, knowledge } = request;
  const nameOf = ({ channel, component }: ChannelImage) => imageName(registry, channel, component);
  const known = toVexImages(toReleaseDocument(build, images, nameOf));
  const decisions = (await knowledge.decisions?.(known)) ?? [];
  return (channel) => {
    const own = known.filter((image) => image.channel === channel);
    const stated = buildVexDocument({ decisions, images: own, now, origin: knowledge.origin });
    return stated === undefined ? undefined : readableJson(stated as unknown as Json);
  };
}
