// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OakumError } from '#core';
import { openLayout } from '#image';
import {
  findRelease,
  layoutPlace,
  parseReleaseDocument,
  publishedRevisions,
  formatRevision,
  orderRevisions,
  readReleaseArtifact,
  registryPlace,
  type ReleaseDocument,
  type ReleasePlace,
  RELEASES,
} from '#release';
import { requireVersion } from './locked-release.ts';
import { openRegistryClient } from './registry.ts';
import { openRelease } from './release-place.ts';
import type { World } from './world.ts';

/** A release's document, and the place where its images lie. */
export interface LocatedRelease {
  readonly document: ReleaseDocument;
  /** Opens the place, beside a release.json the layout `oci`. */
  readonly place: () => Promise<ReleasePlace>;
  /** Its name in messages. */
  readonly where: string;
}

/** Where a release is looked for. */
export interface FromFlags {
  /** See {@link locateRelease}. */
  readonly from: string;
  readonly plainHttp?: boolean;
}

/** What is no file or folder names a registry if its first part has a dot or a port, as with docker; else it is a folder that is not there. */
const REGISTRY = /^(?:localhost|[a-z0-9-]+\.[a-z0-9.-]*[a-z0-9]|[a-z0-9.-]+(?=:))(?::\d+)?(?:\/[a-z0-9._/-]*)?$/;
const MOST_NAMED = 10;

/**
 * Finds the document of a release or revision (`2.9.2`, `2.9.2-r1`) where `--from` says: a release.json, the folder that `oakum release`
 * wrote, a registry it was pushed to (REGISTRY, REGISTRY/releases, REGISTRY/releases:TAG, ...@DIGEST), or a layout (oci:FOLDER,
 * oci:FOLDER:releases:TAG). A document is taken as it is there; `oakum verify release` says whether it can be trusted. Throws
 * `RELEASE_UNREADABLE`, and `RELEASE_OTHER` for one of another version.
 */
export async function locateRelease(version: string, flags: FromFlags, world: World): Promise<LocatedRelease> {
  const found = await find(version.replace(/^v/, ''), flags, world);
  requireVersion(found.document, version, found.where);
  return found;
}

async function find(version: string, flags: FromFlags, world: World): Promise<LocatedRelease> {
  const { from } = flags;
  const path = resolve(world.workingFolder, from);
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined) return fromFile(there.isDirectory() ? join(path, 'release.json') : path, version);
  if (/(?:^|[:/])releases[:@]/.test(from)) return fromReference(flags, world);
  const [, folder] = /^oci:([^:]+?)(?::releases)?$/.exec(from) ?? [];
  if (folder !== undefined)
    return fromPlace(layoutPlace(await openLayout(resolve(world.workingFolder, folder)), folder), version);
  const registry = asRegistry(from);
  if (registry === undefined) throw unreadable(path, version);
  return fromPlace(registryPlace(openRegistryClient(flags.plainHttp === true, world), registry), version);
}

/**
 * Takes REGISTRY or REGISTRY/releases; gives the registry with its path, undefined where the text names none. `none.json` is a file that
 * there is not, as no top-level domain has that name.
 */
export function asRegistry(text: string): string | undefined {
  if (/^[^/:]*\.json$/.test(text)) return undefined;
  const registry = text.replace(/\/+$/, '').replace(/\/releases$/, '');
  return REGISTRY.test(registry) ? registry : undefined;
}

async function fromFile(file: string, version: string): Promise<LocatedRelease> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, version, error);
  });
  const layout = join(dirname(file), 'oci');
  return {
    document: parseReleaseDocument(text, file),
    where: file,
    place: async () => layoutPlace(await openLayout(layout), layout),
  };
}

async function fromReference({ from, plainHttp }: FromFlags, world: World): Promise<LocatedRelease> {
  const { place, root } = await openRelease(from, openRegistryClient(plainHttp === true, world), world.workingFolder);
  const { document } = await readReleaseArtifact(place, await root(), from);
  return { document, where: from, place: async () => place };
}

async function fromPlace(place: ReleasePlace, version: string): Promise<LocatedRelease> {
  const found = await findRelease(place, version);
  if (found !== undefined)
    return { document: found.document, where: place.name(RELEASES, version), place: async () => place };
  const published = (await publishedRevisions(place)).toSorted((a, b) => orderRevisions(b, a)).map(formatRevision);
  throw new OakumError('usage', 'RELEASE_UNREADABLE', `there is no release document of ${version} here`, {
    where: place.name(RELEASES),
    hint:
      published.length === 0
        ? `It holds none at all. \`oakum release ${version} --to REGISTRY\` publishes one below REGISTRY/${RELEASES}.`
        : `It holds ${published.slice(0, MOST_NAMED).join(', ')}${published.length > MOST_NAMED ? ', and older ones' : ''}.`,
  });
}

function unreadable(where: string, version: string, cause?: unknown): OakumError {
  return new OakumError('usage', 'RELEASE_UNREADABLE', `there is no release document of ${version} here`, {
    where,
    hint: `Run \`oakum release ${version}\` first, or name with --from the folder that it wrote, its release.json, or the registry that it pushed to.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
