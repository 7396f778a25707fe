// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { type Alpine, openAlpine, readAlpineKeys } from '#bases';
import type { Cache } from '#cache';
import type { Report } from '#core';
import type { AlpineBaseDefinition } from '#definition';
import type { World } from './world.ts';

/** Alpine's own public mirror, as https://wiki.alpinelinux.org/wiki/Repositories names it. */
const PUBLIC_MIRROR = 'https://dl-cdn.alpinelinux.org/alpine';

/** Opens Alpine's repositories for a base: its own mirror, else OAKUM_ALPINE_MIRROR (several with commas between), else Alpine's. */
export async function openAlpineBase(
  base: AlpineBaseDefinition,
  { world, cache, report, folder }: { world: World; cache: Cache; report: Report; folder: string },
): Promise<Alpine> {
  return openAlpine({
    http: world.http,
    cache,
    stateFolder: world.stateFolder,
    clock: world.clock,
    mirrors: alpineMirrors(base, world),
    maxAgeDays: base.maxAgeDays,
    ...(base.keyring === undefined ? {} : { keyring: await readAlpineKeys(resolve(folder, base.keyring)) }),
    report,
    signal: world.signal,
  });
}

function alpineMirrors({ mirror }: AlpineBaseDefinition, world: World): readonly string[] {
  if (mirror !== undefined) return [mirror];
  const named = (world.env['OAKUM_ALPINE_MIRROR'] ?? '').split(',').map((one) => one.trim());
  const mirrors = named.filter((one) => one !== '');
  return mirrors.length > 0 ? mirrors : [PUBLIC_MIRROR];
}
