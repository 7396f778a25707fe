// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '#cache';
import { OakumError } from '#core';
import { readInputs, reproduceImage, type Reproduction } from '#factory';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { formatTable } from '../format.ts';
import { openImage } from '../image.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { loadDefinition, openShop, type SharedFlags } from '../shop.ts';
import { temporaryPath } from '../temporary.ts';
import type { World } from '../world.ts';

interface ReproduceFlags extends SharedFlags, OutputFlags {
  readonly platform?: string;
  readonly warm?: boolean;
  readonly plainHttp?: boolean;
}

/** `oakum reproduce`: builds a published image again from its provenance alone, and leaves in the exit code whether it is the same. */
export async function reproduce(image: string, flags: ReproduceFlags, world: World): Promise<void> {
  const result = await (flags.warm
    ? build(image, flags, world)
    : withEmptyCache(world, (own) => build(image, flags, own)));
  print(flags, result, () => describe(result));
  if (!result.identical) process.exitCode = VERDICT_EXIT_CODE;
}

async function withEmptyCache<T>(world: World, run: (own: World) => Promise<T>): Promise<T> {
  const cacheFolder = join(world.cacheFolder, `reproduce-${randomUUID()}`);
  await mkdir(cacheFolder, { recursive: true });
  try {
    return await run({ ...world, cacheFolder });
  } finally {
    await removeTree(cacheFolder);
  }
}

function build(image: string, flags: ReproduceFlags, world: World): Promise<Reproduction> {
  return withProgress(flags, world, async (report) => {
    const platform = flags.platform ?? world.platform;
    if (platform === undefined)
      throw new OakumError('usage', 'FLAG_MISSING', 'which platform is meant? Give --platform');
    const client = openRegistryClient(flags.plainHttp === true, world);
    const { store, root } = await openImage(image, client, world.workingFolder);
    const place = { image, root: await root(), store, platform };
    const inputs = await readInputs(place);
    const { read } = await loadDefinition(flags, world);
    const shop = await openShop({ read: { ...read, definition: inputs.definition } }, { flags, world, report });
    const temporary = () => temporaryPath('reproduce');
    return reproduceImage({ ...place, own: read.definition, temporary }, inputs, shop);
  });
}

function describe({ image, platform, revision, published, rebuilt, identical, differences }: Reproduction): string {
  const head = `${image} (${platform}), revision ${revision}\n  published ${published}\n  rebuilt   ${rebuilt}\n`;
  if (identical) return `${head}The same to the bit: manifest, config, layers and SBOM\n`;
  const rows = differences.map(({ what, name, before, after }) => [what, name, before ?? '-', after ?? '-']);
  return `${head}It differs:\n${formatTable(['WHAT', 'NAME', 'PUBLISHED', 'REBUILT'], rows)}`;
}
