// SPDX-License-Identifier: Apache-2.0
import { architectureOf, type Platform } from '#core';
import type { AlpineBaseDefinition, LockedBase } from '#definition';
import { alpineContent, alpineGround } from './alpine-ground.ts';
import type { Base } from './bases.ts';
import type { Workshop } from './workshop.ts';

/** Gives a base that is composed from Alpine packages. */
export function alpineBase(definition: AlpineBaseDefinition, shop: Workshop): Base {
  return {
    resolve: (platforms) => resolve(definition, platforms, shop),
    fits: async (locked, platform) => fits(locked, definition, platform),
    async fetch(locked, platforms) {
      const alpine = await shop.alpine(definition);
      await alpine.fetch(platforms.flatMap((one) => locked.alpine?.platforms[one]?.packages ?? []));
    },
    ground: (request) => alpineGround(request, definition, shop),
    content: (locked, platform) => alpineContent(locked, platform, { definition, shop }),
  };
}

async function resolve(
  definition: AlpineBaseDefinition,
  platforms: readonly Platform[],
  shop: Workshop,
): Promise<LockedBase> {
  const alpine = await shop.alpine(definition);
  const resolved = await Promise.all(
    platforms.map(async (platform) => {
      const { indexes, packages } = await alpine.resolve(definition, architectureOf(platform));
      return [platform, { indexes, packages }] as const;
    }),
  );
  const { branch, repositories, packages } = definition;
  const asked = { branch, repositories, world: packages.toSorted() };
  return {
    releases: [],
    packages: {},
    alpine: { ...asked, platforms: Object.fromEntries(resolved) },
  };
}

/** Says whether the lock was made for what the definition asks. */
function fits({ alpine }: LockedBase, definition: AlpineBaseDefinition, platform: Platform): boolean {
  return (
    alpine?.platforms[platform] !== undefined &&
    alpine.branch === definition.branch &&
    alpine.repositories.join('\n') === definition.repositories.join('\n') &&
    alpine.world.join('\n') === definition.packages.toSorted().join('\n')
  );
}
