// SPDX-License-Identifier: Apache-2.0
import { reportStep, type TreeEntry } from '#core';
import type { Json } from '#formats';
import { storeLayer } from '#image';
import type { Distribution, Ground, GroundRequest } from './bases.ts';
import { readDistribution } from './distribution.ts';
import type { Workshop } from './workshop.ts';

/** A root to compose from packages: what decides its bytes, and how it is made. */
export interface Composition {
  /** The name of the step under which what the root is of is kept. */
  readonly step: string;
  readonly inputs: Readonly<Record<string, Json>>;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  readonly compose: () => Promise<{ readonly epoch: Date; readonly entries: readonly TreeEntry[] }>;
  readonly environment: Readonly<Record<string, string>>;
}

/** Composes a root and packs it as one layer that all images of the base share; once per inputs. Throws what composing throws. */
export async function composedGround(
  { name, platform, compression }: GroundRequest,
  { step, inputs, packages, compose, environment }: Composition,
  shop: Workshop,
): Promise<Ground> {
  const subject = `${name} ${platform}`;
  const made = await reportStep(shop.report, { subject, step: 'compose base' }, async () => {
    const root = await shop.cache.step<{ epoch: string; distribution: Distribution }>(
      { name: step, inputs },
      () => [],
      async () => {
        const { epoch, entries } = await compose();
        return { epoch: epoch.toISOString(), distribution: await readDistribution(entries) };
      },
    );
    const epoch = new Date(root.value.epoch);
    const entries = async () => (await compose()).entries;
    const { layer, cached } = await storeLayer({ inputs, entries, epoch, compression }, shop.cache);
    return { layer, epoch, distribution: root.value.distribution, cached };
  });
  const createdBy = `oakum: ${packages.map((one) => `${one.name}=${one.version}`).join(' ')}`;
  return {
    layers: [{ layer: made.layer, created: made.epoch, createdBy }],
    distribution: made.distribution,
    environment,
  };
}
