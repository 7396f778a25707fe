// SPDX-License-Identifier: Apache-2.0
import type { Definition, Lock } from '#definition';
import { createLayout } from '#image';
import { layoutPlace, registryPlace, type ReleasePlace, sourceRevision } from '#release';
import type { ChannelImage } from './images.ts';
import { openManifests } from './manifests.ts';
import type { Destination } from './publish.ts';
import { publishManifests, type PublishedManifests } from './publish-manifests.ts';
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
  readonly signing?: SigningOptions;
}

/** Makes and publishes the manifests that run these images. */
export type MakeReleaseManifests = (images: readonly ChannelImage[]) => Promise<PublishedManifests>;

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
  return async (images) => {
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
        ...(signing === undefined ? {} : { signing }),
      },
      shop,
    );
  };
}

async function placeOf(destination: Destination): Promise<ReleasePlace> {
  if (destination.kind === 'registry') return registryPlace(destination.client, destination.registry);
  return layoutPlace(await createLayout(destination.folder), destination.folder);
}
