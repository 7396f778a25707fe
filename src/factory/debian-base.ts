// SPDX-License-Identifier: Apache-2.0
import { COMPOSITION } from '#bases';
import { architectureOf, type Platform } from '#core';
import type { DebianBaseDefinition, LockedBase } from '#definition';
import { measureTree } from '#evidence';
import type { Base, Ground, GroundRequest } from './bases.ts';
import { composedGround } from './composed-ground.ts';
import type { Workshop } from './workshop.ts';

/** As in the Distroless images: where programs and the certificate bundle are. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin', SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt' };

/** Gives a base that is composed from Debian packages. */
export function debianBase(definition: DebianBaseDefinition, shop: Workshop): Base {
  return {
    resolve: (platforms) => resolve(definition, platforms, shop),
    fits: async (locked, platform) => fits(locked, definition, platform),
    async fetch(locked, platforms) {
      const debian = await shop.debian(definition);
      await debian.fetch(platforms.flatMap((one) => locked.packages[one] ?? []));
    },
    ground: (request) => makeGround(request, definition, shop),
    async content(locked, platform) {
      const root = await (await shop.debian(definition)).root(locked.packages[platform] ?? [], formOf(definition));
      return { files: await measureTree(root.entries), packages: root.packages };
    },
  };
}

/** Nothing where there are no programs, so that what was made before there could be any is found again. */
function formOf({ programs }: DebianBaseDefinition): { readonly programs?: true } {
  return programs === true ? { programs } : {};
}

async function resolve(
  definition: DebianBaseDefinition,
  platforms: readonly Platform[],
  shop: Workshop,
): Promise<LockedBase> {
  const debian = await shop.debian(definition);
  const resolved = await Promise.all(
    platforms.map(async (platform) => [platform, await debian.resolve(definition, architectureOf(platform))] as const),
  );
  const releases = resolved[0]?.[1].releases ?? [];
  const packages = Object.fromEntries(resolved.map(([platform, one]) => [platform, [...one.packages]]));
  return { releases: [...releases], packages } as LockedBase;
}

/** Says whether the lock has exactly the packages, of at least the suites, that the definition names. */
function fits(locked: LockedBase, definition: DebianBaseDefinition, platform: Platform): boolean {
  const names = locked.packages[platform]?.map((one) => one.name).sort();
  const suites = locked.releases.map((one) => one.suite);
  return (
    names?.join() === [...definition.packages].sort().join() &&
    definition.suites.every((suite) => suites.includes(suite))
  );
}

/** Composes the locked packages' root, which is fetched where the cache lacks it. */
function makeGround(request: GroundRequest, definition: DebianBaseDefinition, shop: Workshop): Promise<Ground> {
  const packages = request.locked.packages[request.platform] ?? [];
  const form = formOf(definition);
  const inputs = { composition: COMPOSITION, ...form, packages: packages.map((one) => one.sha256).sort() };
  const compose = async () => (await shop.debian(definition)).root(packages, form);
  return composedGround(request, { step: 'read-base', inputs, packages, compose, environment: ENVIRONMENT }, shop);
}
