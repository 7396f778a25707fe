// SPDX-License-Identifier: Apache-2.0
import { ALPINE_COMPOSITION, type AlpineRoot, APK_ARCHITECTURES, composeAlpine } from '#bases';
import { architectureOf, type Platform, reportStep } from '#core';
import type { AlpineBaseDefinition, LockedBase } from '#definition';
import { measureTree } from '#evidence';
import { storeLayer } from '#image';
import type { BaseContent, Distribution, Ground, GroundRequest } from './bases.ts';
import { readDistribution } from './distribution.ts';
import { FactoryError } from './error.ts';
import type { Workshop } from './workshop.ts';

/** As upstream's images have it (they are Alpine's), the programs' own folder first. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
};

/** Fetches the locked packages, composes their root and packs it as one layer that all images of the base share; once per packages. */
export async function alpineGround(
  { name, locked, platform, compression }: GroundRequest,
  definition: AlpineBaseDefinition,
  shop: Workshop,
): Promise<Ground> {
  const wanted = requestOf(locked, platform);
  const subject = `${name} ${platform}`;
  const made = await reportStep(shop.report, { subject, step: 'compose base' }, async () => {
    const { packages, ...asked } = wanted;
    const inputs = {
      composition: ALPINE_COMPOSITION,
      ...asked,
      packages: packages.map(({ checksum, sha256 }) => [checksum, sha256]),
    };
    const root = await shop.cache.step<{ epoch: string; distribution: Distribution }>(
      { name: 'read-alpine-base', inputs },
      () => [],
      async () => {
        const { epoch, entries } = await compose(wanted, definition, shop);
        return { epoch: epoch.toISOString(), distribution: await readDistribution(entries) };
      },
    );
    const epoch = new Date(root.value.epoch);
    const entries = async () => (await compose(wanted, definition, shop)).entries;
    const { layer, cached } = await storeLayer({ inputs, entries, epoch, compression }, shop.cache);
    return { layer, epoch, distribution: root.value.distribution, cached };
  });
  const createdBy = `oakum: ${wanted.packages.map((one) => `${one.name}=${one.version}`).join(' ')}`;
  return {
    layers: [{ layer: made.layer, created: made.epoch, createdBy }],
    distribution: made.distribution,
    environment: ENVIRONMENT,
  };
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
