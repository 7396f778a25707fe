// SPDX-License-Identifier: Apache-2.0
import { COMPOSITION } from '#bases';
import { type Platform, reportStep } from '#core';
import type { BaseDefinition, LockedBase } from '#definition';
import { storeLayer } from '#image';
import type { Layer } from '#image';
import type { Workshop } from './workshop.ts';

/** The layer that all images of a channel and platform share. `created` is its epoch, from its packages alone. */
export type BaseLayer = { readonly layer: Layer; readonly created: Date; readonly createdBy: string };

/** What base a layer is made from. */
export interface BaseLayerRequest {
  readonly name: string;
  readonly definition: BaseDefinition;
  readonly locked: LockedBase;
  readonly platform: Platform;
  readonly compression: 'gzip' | 'zstd';
}

/** Fetches a base's locked packages, composes its root and packs it; once per packages. Throws what bases and image throw. */
export async function buildBaseLayer(request: BaseLayerRequest, shop: Workshop): Promise<BaseLayer> {
  const packages = request.locked.packages[request.platform] ?? [];
  const subject = `${request.name} ${request.platform}`;
  const made = await reportStep(shop.report, { subject, step: 'compose base' }, async () => {
    const inputs = { composition: COMPOSITION, packages: packages.map((one) => one.sha256).sort() };
    const root = await shop.cache.step(
      { name: 'base-epoch', inputs },
      () => [],
      async () => {
        const debian = await shop.debian(request.definition);
        return { epoch: (await debian.root(packages)).epoch.toISOString() };
      },
    );
    const epoch = new Date(root.value.epoch);
    const { layer, cached } = await storeLayer(
      {
        inputs,
        entries: async () => {
          const debian = await shop.debian(request.definition);
          return (await debian.root(packages)).entries;
        },
        epoch,
        compression: request.compression,
      },
      shop.cache,
    );
    return { layer, epoch, cached };
  });
  const createdBy = `oakum: ${packages.map((one) => `${one.name}=${one.version}`).join(' ')}`;
  return { layer: made.layer, created: made.epoch, createdBy };
}
