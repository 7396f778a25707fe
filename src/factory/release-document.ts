// SPDX-License-Identifier: Apache-2.0
import { channelImage, type Lock, type LockedBase, type LockedModule } from '#definition';
import {
  type ChannelRecord,
  formatRevision,
  type ImageRecord,
  imageTags,
  RELEASE_DOCUMENT_TYPE,
  type ReleaseDocument,
} from '#release';
import type { VexImage } from '#vulnerabilities';
import type { BuildRequest, ChannelImage } from './images.ts';

/** Takes a build and its images as they are published; gives the release document of it, without publication. */
export function toReleaseDocument(
  request: BuildRequest,
  images: readonly ChannelImage[],
  nameOf: (image: ChannelImage) => string,
): ReleaseDocument {
  const { definition, lock, release, selection, revision } = request;
  const channels = selection.channels.map((channel): [string, ChannelRecord] => {
    const name = definition.channels[channel]?.base ?? '';
    const rows = images.filter((image) => image.channel === channel);
    const records = rows.map((image): ImageRecord => {
      const { base } = channelImage(definition, channel, image.component);
      const record = toRecord(image, nameOf(image), request);
      return base === name ? record : { ...record, base: recordBase(base, lock) };
    });
    return [channel, { base: recordBase(name, lock), images: records }];
  });
  return {
    mediaType: RELEASE_DOCUMENT_TYPE,
    distribution: definition.name,
    release,
    revision: formatRevision({ release, number: revision }),
    ...(isPartial(request) ? { partial: true } : {}),
    flux: lock.releases[release]?.flux as LockedModule,
    definition: request.digests.definition,
    lock: request.digests.lock,
    toolchain: { version: definition.toolchain, modules: lock.toolchains[definition.toolchain] ?? {} },
    compressor: lock.compressor,
    exemptions: request.exemptions.map(({ module, reason }) => ({ module, reason })),
    channels: Object.fromEntries(channels),
  };
}

function recordBase(name: string, lock: Lock): ChannelRecord['base'] {
  return { ...(lock.bases[name] as LockedBase), name };
}

function isPartial({ definition, selection }: BuildRequest): boolean {
  const { components, channels } = definition;
  const lacks = (all: readonly string[], chosen: readonly string[]) => all.some((name) => !chosen.includes(name));
  return (
    lacks(Object.keys(components), selection.components) ||
    lacks(Object.keys(channels), selection.channels) ||
    lacks(definition.platforms, selection.platforms)
  );
}

function toRecord(image: ChannelImage, name: string, request: BuildRequest): ImageRecord {
  const locked = request.lock.releases[request.release]?.components[image.component];
  const [first] = image.platforms;
  if (locked === undefined || first === undefined) throw new TypeError(`${image.component} was built without a lock`);
  const tags = imageTags(image.version, request.revision);
  const overlay = request.overlays?.[image.component];
  const platforms = image.platforms.map(
    ({ platform, image: built, binary, binaryPath, attested }) =>
      [
        platform,
        {
          manifest: built.manifest.descriptor.digest,
          config: built.config.descriptor.digest,
          layers: built.layers.map(({ digest, diffId, size }) => ({ digest, diffId, size })),
          binary: { path: `/${binaryPath}`, digest: binary.binary, size: binary.size },
          modules: binary.modules,
          isolation: binary.isolation,
          sbom: attested.sbom,
        },
      ] as const,
  );
  return {
    component: image.component,
    version: image.version,
    name,
    tags: [tags.immutable, tags.moving],
    digest: image.index.descriptor.digest,
    source: { ...locked.module, commit: locked.origin?.commit ?? 'unknown', nested: locked.nested },
    ...(overlay === undefined
      ? {}
      : {
          overlay: {
            findings: [...new Set(overlay.requires.flatMap(({ findings }) => findings))].sort(),
            requires: overlay.requires.map(({ path, from, to }) => ({
              path,
              ...(from === undefined ? {} : { from }),
              to,
            })),
            patches: overlay.patches,
          },
        }),
    platforms: Object.fromEntries(platforms),
  };
}

/** Gives the images of a release document as VEX knows them. */
export function toVexImages({ channels, revision }: ReleaseDocument): readonly VexImage[] {
  return Object.entries(channels).flatMap(([channel, { images }]) =>
    images.map(
      ({ component, name, digest, platforms }): VexImage => ({
        component,
        channel,
        revision,
        repository: name,
        index: digest,
        platforms: Object.entries(platforms).map(([platform, { manifest }]) => ({
          platform: platform as VexImage['platforms'][number]['platform'],
          digest: manifest,
        })),
      }),
    ),
  );
}
