// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Destination } from '#factory';
import { openRegistryClient } from './registry.ts';
import type { World } from './world.ts';

/** Gives where a release's images go: a registry when `to` is named, else a layout in the output folder. */
export function openDestination(
  wanted: { readonly to: string | undefined; readonly outFolder: string; readonly plainHttp: boolean },
  world: World,
): Destination {
  if (wanted.to === undefined) return { kind: 'layout', folder: join(wanted.outFolder, 'oci') };
  const client = openRegistryClient(wanted.plainHttp, world);
  return { kind: 'registry', client, registry: wanted.to.replace(/\/+$/, '') };
}
