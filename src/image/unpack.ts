// SPDX-License-Identifier: Apache-2.0
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeTree } from '#cache';
import { Measure, messageOf, OakumError, temporaryName } from '#core';
import { decompress, readTar } from '#formats';
import type { ImageConfig } from './config.ts';
import { checkedContent, type ContentSource, type Descriptor } from './content.ts';
import { ImageError } from './error.ts';
import { MAX_LAYER_BYTES } from './inspect.ts';
import { readImageDocuments } from './read-image.ts';
import { packingOf } from './media-types.ts';
import { openRoot, type Root } from './unpack-root.ts';

/** `owners`: give files to the numbers in the image, which only root can; else they stay with who unpacks. */
export interface UnpackOptions {
  readonly owners?: boolean;
  /** The most bytes of files in one layer; 8 GiB by default. */
  readonly maxBytes?: number;
}

/**
 * Lays an image's root filesystem in `folder`, which must not exist or be empty, layer upon layer with whiteouts
 * (OCI image-spec 1.1, layer.md "Applying Changesets"); gives its config. The image may be hostile: digests, sizes and
 * diffIds are checked, nothing is written through a link, devices are refused, set-id bits are dropped unless owners
 * are kept. The folder appears whole or not at all. Throws `MANIFEST_INVALID`, `LAYER_INVALID`, `BLOB_*`.
 */
export async function unpackImage(
  source: ContentSource,
  manifest: Descriptor,
  folder: string,
  options: UnpackOptions = {},
): Promise<ImageConfig> {
  const { manifest: read, config } = await readImageDocuments(source, manifest);
  const { layers } = read;
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== layers.length) {
    throw new ImageError(
      'MANIFEST_INVALID',
      `${layers.length} layers, but the config names ${diffIds.length} diffIds`,
      {
        where: manifest.digest,
      },
    );
  }
  await mkdir(dirname(folder), { recursive: true });
  const draft = temporaryName(folder);
  try {
    await mkdir(draft, { mode: 0o755 });
    const root = openRoot(draft, options.owners ?? false);
    for (const [index, layer] of layers.entries()) {
      const diffId = await unpackLayer(root, layer, source, options.maxBytes ?? MAX_LAYER_BYTES);
      if (diffId === diffIds[index]) continue;
      throw new ImageError('LAYER_INVALID', `a layer has diffId ${diffId}, its config says ${diffIds[index]}`, {
        where: layer.digest,
      });
    }
    await root.finish();
    await rename(draft, folder);
  } finally {
    await removeTree(draft);
  }
  return config;
}

async function unpackLayer(root: Root, layer: Descriptor, source: ContentSource, maxBytes: number): Promise<string> {
  const compression = packingOf(layer.mediaType);
  if (compression === undefined) {
    throw new ImageError('LAYER_INVALID', `${layer.mediaType} is no layer's media type`, { where: layer.digest });
  }
  const sum = new Measure();
  const bytes = checkedContent(layer, source.open(layer), layer.digest);
  const tar = decompress(bytes, { compression, maxBytes: maxBytes + (64 << 20), where: layer.digest });
  const measured = (async function* () {
    for await (const chunk of tar) {
      sum.update(chunk);
      yield chunk;
    }
  })();
  try {
    root.beginLayer();
    for await (const entry of readTar(measured, { where: layer.digest, maxBytes })) await root.apply(entry);
  } catch (error) {
    if (error instanceof OakumError) throw error;
    throw new ImageError('LAYER_INVALID', `a layer can't be unpacked: ${messageOf(error)}`, {
      where: layer.digest,
      cause: error,
    });
  }
  return sum.digest();
}
