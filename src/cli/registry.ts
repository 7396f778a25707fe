// SPDX-License-Identifier: Apache-2.0
import { dockerConfigFiles, openRegistry, readDockerCredentials, type RegistryClient } from '#image';
import type { World } from './world.ts';

/** Gives the client of registries, with Docker's credentials; plain HTTP only where told, or for loopback addresses. */
export function openRegistryClient(plainHttp: boolean, world: World): RegistryClient {
  const files = dockerConfigFiles(world.env, world.env['HOME'] ?? '/');
  return openRegistry({
    http: world.http,
    clock: world.clock,
    credentials: readDockerCredentials({ files, run: world.run, env: definedOf(world.env) }),
    plainHttp: plainHttp ? true : 'loopback',
    signal: world.signal,
  });
}

/** A credential helper gets the whole environment: what it needs of it, only its maker knows. */
function definedOf(env: World['env']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
