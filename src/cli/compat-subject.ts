// SPDX-License-Identifier: Apache-2.0
import { OakumError, type Platform } from '#core';
import type { Definition, Lock } from '#definition';
import { type CompatImage, type CompatSubject, type CompatTarget, openManifests, type Workshop } from '#factory';
import { parseIndex } from '#image';
import { type ChannelRecord, parseRevision, type ReleasePlace } from '#release';
import type { LocatedRelease } from './locate-release.ts';
import { registryOfChannel, requireLocked } from './locked-release.ts';

/** A channel under test, and the indexes of its images where evidence is attached. */
export interface LocatedSubject {
  readonly subject: CompatSubject;
  readonly targets: readonly CompatTarget[];
}

/** Gives a channel of a release as it is tested on a platform: its images, and the install manifests by definition and lock. */
export async function openSubject(
  located: LocatedRelease,
  channel: string,
  parts: { readonly definition: Definition; readonly lock: Lock; readonly platform: Platform; readonly shop: Workshop },
): Promise<LocatedSubject> {
  const { document, where } = located;
  const record = channelIn(located, channel);
  const { definition, lock, platform, shop } = parts;
  requireLocked(record, document.release, lock, where);
  const place = await located.place();
  const opened = await Promise.all(record.images.map((image) => openOne(image, { channel, place, platform, where })));
  const { release, number } = parseRevision(document.revision) ?? { release: document.release, number: 0 };
  const registry = registryOfChannel(record, channel);
  const maker = openManifests({ definition, lock, release, revision: number, registry }, shop);
  const { text: manifests } = await maker.install({ channel, images: record.images });
  const images = opened.map(({ image }) => image);
  return {
    subject: { revision: document.revision, channel, platform, images, manifests },
    targets: opened.map(({ target }) => target),
  };
}

/** Throws `RELEASE_PARTIAL` where a channel of a release lacks a controller that the definition has: the scenario needs all of them. */
export function requireWhole(release: LocatedRelease, channel: string, { components }: Definition): void {
  const { images } = channelIn(release, channel);
  const lacking = Object.keys(components).filter((name) => !images.some(({ component }) => component === name));
  if (lacking.length > 0)
    throw new OakumError('usage', 'RELEASE_PARTIAL', `the release has no image of ${lacking.join(', ')}`, {
      where: release.where,
      hint: 'Controllers are tested together: run `oakum release` (after `oakum patch`, with --revision) without --component.',
    });
}

function channelIn({ document, where }: LocatedRelease, channel: string): ChannelRecord {
  const record = document.channels[channel];
  if (record !== undefined) return record;
  throw new OakumError('usage', 'UNKNOWN_CHANNEL', `the release has no channel "${channel}"`, {
    where,
    hint: `Channels: ${Object.keys(document.channels).join(', ')}.`,
  });
}

type ImageRecord = ChannelRecord['images'][number];

async function openOne(
  { component, version, name, digest, platforms }: ImageRecord,
  at: { readonly channel: string; readonly place: ReleasePlace; readonly platform: Platform; readonly where: string },
): Promise<{ readonly image: CompatImage; readonly target: CompatTarget }> {
  const path = `${at.channel}/${component}`;
  const store = at.place.store(path);
  const root = await at.place.read(path, digest);
  const wanted = platforms[at.platform]?.manifest;
  const manifest = parseIndex(root.bytes, at.place.name(path, digest)).manifests.find((one) => one.digest === wanted);
  if (wanted === undefined || manifest === undefined)
    throw new OakumError('usage', 'UNKNOWN_PLATFORM', `${component} ${version} was not built for ${at.platform}`, {
      where: at.where,
      hint: 'Controllers run on this machine: build the release for its platform.',
    });
  return {
    image: { component, version, name, index: digest, manifest, source: store.source },
    target: { root, store },
  };
}
