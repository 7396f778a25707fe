// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Digest, isDigest, OakumError, type Platform, PLATFORMS } from '#core';
import type { VexImage } from '#vulnerabilities';
import type { World } from './world.ts';

interface PartialRelease {
  readonly distribution?: unknown;
  readonly revision?: unknown;
  readonly channels?: unknown;
}

/** An image of a release document, and the tag that never moves. */
export type ReleaseImage = VexImage & { readonly tag: string };

/** A release document's images, what it is called, and its file. */
export interface ReleaseImages {
  readonly distribution: string;
  readonly revision: string;
  readonly images: readonly ReleaseImage[];
  readonly file: string;
}

/** Reads the images of a release document: a file, or the folder that `oakum release` wrote. Throws `RELEASE_UNREADABLE`. */
export async function readReleaseImages(name: string, world: World): Promise<ReleaseImages> {
  const path = resolve(world.workingFolder, name);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(path, 'release.json') : path;
  try {
    const document = JSON.parse(await readFile(file, 'utf8')) as PartialRelease;
    const { revision, distribution } = document;
    if (typeof revision !== 'string') throw new Error('it names no revision');
    const images = Object.entries(recordOf(document.channels)).flatMap(([channel, value]) =>
      listOf(recordOf(value)['images']).map((image) => toImage(recordOf(image), channel, revision)),
    );
    if (images.length === 0) throw new Error('it names no image');
    return { distribution: typeof distribution === 'string' ? distribution : '', revision, images, file };
  } catch (error) {
    throw new OakumError('usage', 'RELEASE_UNREADABLE', "this is no release document, or it can't be read", {
      where: file,
      hint: 'Name a release.json, or the folder that `oakum release` has written.',
      cause: error,
    });
  }
}

function toImage(image: Readonly<Record<string, unknown>>, channel: string, revision: string): ReleaseImage {
  const platforms = Object.entries(recordOf(image['platforms'])).map(([platform, record]) => ({
    platform: platformOf(platform),
    digest: digestIn(recordOf(record)['manifest']),
  }));
  const index = digestIn(image['digest']);
  return {
    component: textIn(image['component']),
    channel,
    revision,
    repository: textIn(image['name']),
    index,
    platforms,
    tag: textIn(listOf(image['tags'])[0]),
  };
}

function platformOf(text: string): Platform {
  const found = PLATFORMS.find((platform) => platform === text);
  if (found === undefined) throw new Error(`no platform ${text}`);
  return found;
}

function digestIn(value: unknown): Digest {
  if (typeof value === 'string' && isDigest(value)) return value;
  throw new Error('no digest');
}

function textIn(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error('a name is missing');
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
