// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Destination } from '#factory';
import { dockerConfigFiles, openRegistry, readDockerCredentials } from '#image';
import type { World } from './world.ts';

/** Gives where a release's images go: a registry when `to` is named, else a layout in the output folder. */
export function openDestination(
  wanted: { readonly to: string | undefined; readonly outFolder: string; readonly plainHttp: boolean },
  world: World,
): Destination {
  if (wanted.to === undefined) return { kind: 'layout', folder: join(wanted.outFolder, 'oci') };
  const files = dockerConfigFiles(world.env, world.env['HOME'] ?? '/');
  const client = openRegistry({
    http: world.http,
    clock: world.clock,
    credentials: readDockerCredentials({ files, run: world.run, env: definedOf(world.env) }),
    plainHttp: wanted.plainHttp ? true : 'loopback',
    signal: world.signal,
  });
  return { kind: 'registry', client, registry: wanted.to.replace(/\/+$/, '') };
}

/** A credential helper gets the whole environment: what it needs of it, only its maker knows. */
function definedOf(env: World['env']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
