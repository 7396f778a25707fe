// SPDX-License-Identifier: Apache-2.0
import type { Blob, Blobs, Cache } from '#cache';
import type { TreeEntry } from '#core';
import type { Json } from '#formats';
import { type Compression, compressorIdentity } from './compression.ts';
import { buildConfig, type RunConfig } from './config.ts';
import { type ContentPlatform, type ContentSource, type Descriptor, readContent } from './content.ts';
import { type Layer, type LayerOptions, writeLayer } from './layer.ts';
import type { Layout } from './layout.ts';
import { ImageError } from './error.ts';
import { buildManifest, type Document, MAX_MANIFEST_BYTES, parseIndex, parseManifest } from './manifest.ts';
import { isIndexType, isManifestType } from './media-types.ts';

/** A layer and whether it came from the cache. */
export interface StoredLayer {
  readonly layer: Layer;
  readonly cached: boolean;
}

/** What {@link storeLayer} packs. `inputs` are the digests of all that `entries` depends on; `entries` is called when it must be made. */
export interface LayerRequest extends LayerOptions {
  readonly inputs: Json;
  readonly entries: () => Iterable<TreeEntry> | Promise<Iterable<TreeEntry>>;
}

/** A layer that is there before; `created` is its own epoch. */
export interface BaseLayer {
  readonly layer: Layer;
  readonly created: Date;
  readonly createdBy: string;
}

/** What an image is made of. All blobs, of `base` and `binary`, must be in the cache. */
export interface ImageRequest {
  readonly platform: ContentPlatform;
  /** The layers below, lowest first, shared by many images. */
  readonly base: readonly BaseLayer[];
  readonly binary: Blob;
  /** Where the binary lies, without a leading slash: `usr/local/bin/source-controller`. */
  readonly binaryPath: string;
  /** The source's commit time: the binary layer's latest time and the config's `created`. */
  readonly epoch: Date;
  readonly run: RunConfig;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly compression?: Compression;
}

/** An image in the cache; its manifest's descriptor carries the platform, for use in an index. */
export interface BuiltImage {
  readonly manifest: Document;
  readonly config: Document;
  readonly layers: readonly Layer[];
  readonly cached: boolean;
}

/** Packs a tree as a layer into the cache, once per inputs, epoch and compressor. Throws what {@link writeLayer} throws. */
export async function storeLayer(request: LayerRequest, cache: Cache): Promise<StoredLayer> {
  const compression = request.compression ?? 'gzip';
  const inputs = {
    tree: request.inputs,
    epoch: Math.floor(request.epoch.getTime() / 1000),
    compressor: compressorIdentity(compression),
  };
  const { value, cached } = await cache.step<Layer>(
    { name: 'pack-layer', inputs },
    (layer) => [layer.digest],
    async () => writeLayer(await request.entries(), cache.blobs, { epoch: request.epoch, compression }),
  );
  return { layer: value, cached };
}

/** Builds an image from the layers of a base and a binary; all its content is then in the cache. Throws what {@link writeLayer} throws. */
export async function buildImage(request: ImageRequest, cache: Cache): Promise<BuiltImage> {
  const { base, binary, binaryPath, epoch } = request;
  const { layer, cached } = await storeLayer(
    {
      inputs: { kind: 'binary', digest: binary.digest, path: binaryPath },
      entries: () => [binaryEntry(request, cache.blobs)],
      epoch,
      compression: request.compression ?? 'gzip',
    },
    cache,
  );
  const config = buildConfig({
    platform: request.platform,
    created: epoch,
    run: request.run,
    layers: [
      ...base.map(({ layer: below, created, createdBy }) => ({ diffId: below.diffId, created, createdBy })),
      { diffId: layer.diffId, created: epoch, createdBy: `oakum: /${binaryPath}` },
    ],
  });
  const layers = [...base.map((one) => one.layer), layer];
  const manifest = buildManifest(
    {
      config: config.descriptor,
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      ...(request.annotations === undefined ? {} : { annotations: request.annotations }),
    },
    request.platform,
  );
  await keepDocument(config, cache.blobs);
  await keepDocument(manifest, cache.blobs);
  return { manifest, config, layers, cached };
}

function binaryEntry(request: ImageRequest, blobs: Blobs): TreeEntry {
  const { binary, binaryPath, epoch } = request;
  const open = () => blobs.read(binary.digest);
  return { kind: 'file', path: binaryPath, mode: 0o755, uid: 0, gid: 0, mtime: epoch, size: binary.size, open };
}

/** Puts a document into the cache, where {@link cacheSource} finds it; one that is there already stays. */
export async function keepDocument(document: Document, blobs: Blobs): Promise<void> {
  const { digest, size } = document.descriptor;
  if ((await blobs.find(digest)) !== undefined) return;
  const bytes = async function* () {
    yield document.bytes;
  };
  await blobs.put(bytes(), { digest, size });
}

/** Gives the cache as a source of content, for copying to a registry. */
export function cacheSource(blobs: Blobs): ContentSource {
  return { open: (descriptor) => blobs.read(descriptor.digest) };
}

/**
 * Copies an index or manifest and all below it from the cache to a layout, what is pointed at before what points, and
 * names it last. Large content is linked, not copied. Throws what the cache and the layout throw.
 */
export async function storeInLayout(root: Descriptor, reference: string, blobs: Blobs, layout: Layout): Promise<void> {
  await layout.putManifest(root, await storeBelow(root, blobs, layout), reference);
}

async function storeBelow(parent: Descriptor, blobs: Blobs, layout: Layout): Promise<Buffer> {
  const bytes = await readContent(cacheSource(blobs), parent, MAX_MANIFEST_BYTES);
  if (isIndexType(parent.mediaType)) {
    for (const child of parseIndex(bytes, parent.digest).manifests) {
      await layout.putManifest(child, await storeBelow(child, blobs, layout));
    }
  } else if (isManifestType(parent.mediaType)) {
    const manifest = parseManifest(bytes, parent.digest);
    for (const child of [manifest.config, ...manifest.layers]) {
      if (await layout.has(child)) continue;
      await storeBlob(child, blobs, layout);
    }
  }
  return bytes;
}

async function storeBlob(child: Descriptor, blobs: Blobs, layout: Layout): Promise<void> {
  const stored = await blobs.find(child.digest);
  try {
    if (stored !== undefined) return await layout.adopt(child, stored.path);
  } catch (error) {
    if (!(error instanceof ImageError) || error.family !== 'proof') throw error;
  }
  await layout.put(child, () => blobs.read(child.digest)); // removes what is damaged in the cache, and says so
}
