// SPDX-License-Identifier: Apache-2.0
import { ALPINE_COMPOSITION, type AlpineRoot, APK_ARCHITECTURES, composeAlpine } from '#bases';
import { architectureOf, type Platform } from '#core';
import type { AlpineBaseDefinition, LockedBase } from '#definition';
import { measureTree } from '#evidence';
import type { BaseContent, Ground, GroundRequest } from './bases.ts';
import { composedGround } from './composed-ground.ts';
import { FactoryError } from './error.ts';
import type { Workshop } from './workshop.ts';

/** As upstream's images have it (they are Alpine's), the programs' own folder first. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
};

/** Composes the locked packages' root, which is fetched where the cache lacks it. */
export async function alpineGround(
  request: GroundRequest,
  definition: AlpineBaseDefinition,
  shop: Workshop,
): Promise<Ground> {
  const wanted = requestOf(request.locked, request.platform);
  const { packages, ...asked } = wanted;
  const inputs = {
    composition: ALPINE_COMPOSITION,
    ...asked,
    packages: packages.map(({ checksum, sha256 }) => [checksum, sha256]),
  };
  const composition = {
    step: 'read-alpine-base',
    inputs,
    packages,
    compose: () => compose(wanted, definition, shop),
    environment: ENVIRONMENT,
  };
  return composedGround(request, composition, shop);
}

/** Measures every file of the root and says which package it is of. */
export async function alpineContent(
  locked: LockedBase,
  platform: Platform,
  { definition, shop }: { readonly definition: AlpineBaseDefinition; readonly shop: Workshop },
): Promise<BaseContent> {
  const { entries, packages } = await compose(requestOf(locked, platform), definition, shop);
  return { files: await measureTree(entries), packages };
}

type Wanted = Parameters<typeof composeAlpine>[0];

function requestOf({ alpine }: LockedBase, platform: Platform): Wanted {
  const pinned = alpine?.platforms[platform];
  if (alpine === undefined || pinned === undefined) {
    throw new FactoryError('LOCK_INCOMPLETE', `the lock lacks the Alpine packages for ${platform}`, {
      hint: 'Run `oakum lock`.',
    });
  }
  return {
    branch: alpine.branch,
    architecture: APK_ARCHITECTURES[architectureOf(platform)],
    repositories: pinned.indexes.map(({ repository, tag }) =>
      tag === undefined ? repository : `@${tag} ${repository}`,
    ),
    world: alpine.world,
    packages: pinned.packages,
  };
}

async function compose(wanted: Wanted, definition: AlpineBaseDefinition, shop: Workshop): Promise<AlpineRoot> {
  const alpine = await shop.alpine(definition);
  return composeAlpine(wanted, { cache: shop.cache, open: (one) => alpine.open(one), report: shop.report });
}
