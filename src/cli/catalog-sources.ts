// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { digestOf, messageOf, OakumError } from '#core';
import { openLayout } from '#image';
import {
  type CatalogSource,
  findRelease,
  formatRevision,
  layoutPlace,
  parseReleaseDocument,
  publishedRevisions,
  registryPlace,
  type ReleasePlace,
  RELEASES,
} from '#release';
import { asRegistry } from './locate-release.ts';
import { openRegistryClient } from './registry.ts';
import type { World } from './world.ts';

const AT_ONCE = 8;

/**
 * Reads the release documents of a source: of a registry's `releases` or an OCI layout every revision that is published there, of a folder
 * that holds a layout (as `oakum release` writes it) those in the layout, else every `*.json`. Throws `SOURCE_UNREADABLE`, and what
 * reading a document throws.
 */
export async function readCatalogSources(
  source: string,
  flags: { readonly plainHttp?: boolean },
  world: World,
): Promise<readonly CatalogSource[]> {
  const [, layout] = /^oci:(.+)$/.exec(source) ?? [];
  if (layout !== undefined) return fromLayout(layout.replace(/:releases$/, ''), world);
  const folder = resolve(world.workingFolder, source);
  if (!(await isFolder(folder))) return fromRegistry(source, flags, world);
  for (const below of ['.', 'oci']) {
    if (await isFile(join(folder, below, 'oci-layout'))) return fromLayout(join(source, below), world);
  }
  return fromFolder(folder);
}

async function fromLayout(folder: string, world: World): Promise<readonly CatalogSource[]> {
  return fromPlace(layoutPlace(await openLayout(resolve(world.workingFolder, folder)), folder));
}

async function fromRegistry(
  source: string,
  flags: { readonly plainHttp?: boolean },
  world: World,
): Promise<readonly CatalogSource[]> {
  const place = asRegistry(source);
  if (place === undefined) {
    throw new OakumError('usage', 'SOURCE_UNREADABLE', 'there is no such folder, and this is no registry', {
      where: source,
      hint: 'Name a registry that releases were pushed to, oci:FOLDER for an OCI layout, or a folder of release documents.',
    });
  }
  return fromPlace(registryPlace(openRegistryClient(flags.plainHttp === true, world), place));
}

async function fromPlace(place: ReleasePlace): Promise<readonly CatalogSource[]> {
  const limit = pLimit(AT_ONCE);
  const found = (await publishedRevisions(place)).map((revision) =>
    limit(async () => {
      const tag = formatRevision(revision);
      const release = await findRelease(place, tag);
      return release === undefined ? [] : [{ ...release, from: place.name(RELEASES, tag) }];
    }),
  );
  return (await Promise.all(found)).flat();
}

async function fromFolder(folder: string): Promise<readonly CatalogSource[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return names.map((name) => fromFile(join(folder, name)));
}

/** One file after the other: nothing else is to be done meanwhile, and hundreds are read in half of the time. */
function fromFile(file: string): CatalogSource {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new OakumError('usage', 'SOURCE_UNREADABLE', `a file can't be read: ${messageOf(error)}`, { where: file });
  }
  return { document: parseReleaseDocument(bytes.toString('utf8'), file), digest: digestOf(bytes), from: file };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
