// SPDX-License-Identifier: Apache-2.0
import { COMPOSITION } from '#bases';
import { type Platform, reportStep, type TreeEntry } from '#core';
import type { BaseDefinition, LockedBase } from '#definition';
import { storeLayer } from '#image';
import type { Layer } from '#image';
import type { Workshop } from './workshop.ts';

/** The layer that all images of a channel and platform share. `created` is its epoch, from its packages alone. */
export type BaseLayer = {
  readonly layer: Layer;
  readonly created: Date;
  readonly createdBy: string;
  readonly distribution: Distribution;
};

/** What a root is of, by its os-release(5): `debian`, `13`, `trixie`. */
export type Distribution = { readonly id: string; readonly versionId: string; readonly codename?: string };

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
    const root = await shop.cache.step<{ epoch: string; distribution: Distribution }>(
      { name: 'read-base', inputs },
      () => [],
      async () => {
        const { epoch, entries } = await (await shop.debian(request.definition)).root(packages);
        return { epoch: epoch.toISOString(), distribution: await readDistribution(entries) };
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
    return { layer, epoch, distribution: root.value.distribution, cached };
  });
  const createdBy = `oakum: ${packages.map((one) => `${one.name}=${one.version}`).join(' ')}`;
  return { layer: made.layer, created: made.epoch, createdBy, distribution: made.distribution };
}

async function readDistribution(entries: readonly TreeEntry[]): Promise<Distribution> {
  const file = entries.find((entry) => entry.kind === 'file' && entry.path === 'usr/lib/os-release');
  let text = '';
  if (file?.kind === 'file') for await (const chunk of file.open()) text += Buffer.from(chunk).toString('utf8');
  const field = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1];
  const codename = field('VERSION_CODENAME');
  return {
    id: field('ID') ?? 'linux',
    versionId: field('VERSION_ID') ?? '',
    ...(codename === undefined ? {} : { codename }),
  };
}
