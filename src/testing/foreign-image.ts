// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { digestOf, type Platform } from '#core';
import type { Json } from '#formats';
import { buildIndex, type Descriptor, type Document, MEDIA_TYPES, toDocument } from '#image';

/** An entry of a layer, as another tool would write it: no rule is kept. */
export interface ForeignEntry {
  readonly name: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device';
  readonly content?: string | Uint8Array;
  readonly linkname?: string;
  readonly mode?: number;
}

/** What an image that is not ours is made of. */
export interface ForeignImageSpec {
  readonly platform: Platform;
  readonly layers: readonly (readonly ForeignEntry[])[];
  /** The config's `config`, as docker build writes it. */
  readonly run?: Json;
  readonly history?: Json;
  /** In place of the layers' media type. */
  readonly layerType?: string;
  readonly configType?: string;
}

/** An image in memory. */
export interface ForeignImage {
  readonly manifest: Document;
  /** Config and layers. */
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Buffer }[];
}

/** Makes an image as another tool would. */
export async function buildForeignImage(spec: ForeignImageSpec): Promise<ForeignImage> {
  const [os = '', architecture = ''] = spec.platform.split('/');
  const tars = await Promise.all(spec.layers.map(tar));
  const mediaType = spec.layerType ?? MEDIA_TYPES.layerGzip;
  const layers = tars.map((plain) => {
    const bytes = gzipSync(plain);
    return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
  });
  const diff_ids = tars.map((plain) => digestOf(plain));
  const config = toDocument(
    { os, architecture, config: spec.run ?? {}, rootfs: { type: 'layers', diff_ids }, history: spec.history },
    spec.configType ?? MEDIA_TYPES.config,
  );
  const manifest = toDocument(
    {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: config.descriptor,
      layers: layers.map((one) => one.descriptor),
    },
    MEDIA_TYPES.manifest,
    { os, architecture },
  );
  return { manifest, blobs: [config, ...layers] };
}

/** Gives an index over images, one a platform. */
export function foreignIndex(images: readonly ForeignImage[]): Document {
  return buildIndex(images.map(({ manifest }) => manifest.descriptor));
}

async function tar(entries: readonly ForeignEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) {
    archive.entry({ mtime: new Date(1e12), ...header }, Buffer.from(content as string));
  }
  archive.finalize();
  return Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Uint8Array>));
}
