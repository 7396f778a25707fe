// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OakumError, type Platform } from '#core';
import type { Definition, Lock } from '#definition';
import { type CompatImage, type CompatSubject, type CompatTarget, openManifests, type Workshop } from '#factory';
import { openLayout, parseIndex } from '#image';
import {
  type ChannelRecord,
  findRelease,
  layoutPlace,
  parseReleaseDocument,
  parseRevision,
  registryPlace,
  type ReleaseDocument,
  type ReleasePlace,
} from '#release';
import { registryOf, requireLocked, requireVersion } from './locked-release.ts';
import { openRegistryClient } from './registry.ts';
import type { World } from './world.ts';

/** A release's document, and the place where its images lie. */
export interface LocatedRelease {
  readonly document: ReleaseDocument;
  readonly place: ReleasePlace;
  /** Its name in messages. */
  readonly where: string;
}

/** A channel under test, and the indexes of its images where evidence is attached. */
export interface LocatedSubject {
  readonly subject: CompatSubject;
  readonly targets: readonly CompatTarget[];
}

/**
 * Opens a release by where it is: a folder that `oakum release` wrote, or a registry it was pushed to, whose `releases` has its document
 * (by revision, `2.9.2-r0`, or the newest of a release). Throws `RELEASE_UNREADABLE`, `RELEASE_OTHER` for one of another version.
 */
export async function locateRelease(
  version: string,
  from: { readonly from: string; readonly plainHttp?: boolean },
  world: World,
): Promise<LocatedRelease> {
  const path = resolve(world.workingFolder, from.from);
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true;
  const found = isFolder ? await fromFolder(path, from.from, version) : await fromRegistry(version, from, world);
  requireVersion(found.document, version, found.where);
  return found;
}

/** Gives a channel of a release as it is tested on a platform: its images, and the install manifests by definition and lock. */
export async function openSubject(
  { document, place, where }: LocatedRelease,
  channel: string,
  parts: { readonly definition: Definition; readonly lock: Lock; readonly platform: Platform; readonly shop: Workshop },
): Promise<LocatedSubject> {
  const record = document.channels[channel];
  if (record === undefined)
    throw new OakumError('usage', 'UNKNOWN_CHANNEL', `the release has no channel "${channel}"`, {
      where,
      hint: `Channels: ${Object.keys(document.channels).join(', ')}.`,
    });
  const { definition, lock, platform, shop } = parts;
  requireLocked(record, document.release, lock, where);
  const opened = await Promise.all(record.images.map((image) => openOne(image, { channel, place, platform, where })));
  const { release, number } = parseRevision(document.revision) ?? { release: document.release, number: 0 };
  const registry = registryOf(record, channel);
  const maker = openManifests({ definition, lock, release, revision: number, registry }, shop);
  const { text: manifests } = await maker.install({ channel, images: record.images });
  const images = opened.map(({ image }) => image);
  return {
    subject: { revision: document.revision, channel, platform, images, manifests },
    targets: opened.map(({ target }) => target),
  };
}

async function fromFolder(path: string, shown: string, version: string): Promise<LocatedRelease> {
  const where = join(path, 'release.json');
  const text = await readFile(where, 'utf8').catch((error: unknown) => {
    throw unreadable(where, version, error);
  });
  const document = parseReleaseDocument(text, where);
  return { document, where, place: layoutPlace(await openLayout(join(path, 'oci')), join(shown, 'oci')) };
}

/** What is no folder names a registry if its first part has a dot or a port, as with docker; else it is a folder that is not there. */
const REGISTRY = /^(?:localhost|[a-z0-9-]+\.[a-z0-9.-]*[a-z0-9]|[a-z0-9.-]+(?=:))(?::\d+)?(?:\/[a-z0-9._/-]*)?$/;

async function fromRegistry(
  version: string,
  { from, plainHttp }: { readonly from: string; readonly plainHttp?: boolean },
  world: World,
): Promise<LocatedRelease> {
  if (!REGISTRY.test(from)) throw unreadable(from, version, undefined);
  const place = registryPlace(openRegistryClient(plainHttp === true, world), from.replace(/\/+$/, ''));
  const found = await findRelease(place, version.replace(/^v/, ''));
  if (found === undefined) throw unreadable(from, version, undefined);
  return { document: found.document, where: from, place };
}

function unreadable(where: string, version: string, cause: unknown): OakumError {
  return new OakumError('usage', 'RELEASE_UNREADABLE', `there is no release document of ${version} here`, {
    where,
    hint: `Run \`oakum release ${version}\` first, or name with --from the folder that it wrote, or the registry that it pushed to.`,
    ...(cause === undefined ? {} : { cause }),
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
