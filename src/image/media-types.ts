// SPDX-License-Identifier: Apache-2.0

/** Media types of OCI image-spec 1.1 (media-types.md), as Oakum writes them. */
export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
} as const;

/** Docker's names for the same things, which are read but never written. */
const DOCKER = {
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  layerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** All types a registry may be asked for under a manifest's name: indexes and manifests, OCI's and Docker's. */
export const MANIFEST_TYPES = [MEDIA_TYPES.index, MEDIA_TYPES.manifest, DOCKER.index, DOCKER.manifest] as const;

/** Says whether content of this type is an index over manifests. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.index || mediaType === DOCKER.index;
}

/** Says whether content of this type is a manifest with a config and layers. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.manifest || mediaType === DOCKER.manifest;
}

/** How a layer's tar is packed. */
export type LayerPacking = 'none' | 'gzip' | 'zstd';

/** Takes a layer's media type; gives how its tar is packed, or undefined when it is no tar layer. */
export function packingOf(mediaType: string): LayerPacking | undefined {
  if (mediaType === MEDIA_TYPES.layerGzip || mediaType === DOCKER.layerGzip) return 'gzip';
  if (mediaType === MEDIA_TYPES.layerZstd) return 'zstd';
  return mediaType === MEDIA_TYPES.layer ? 'none' : undefined;
}

/**
 * Takes a layer's media type; gives OCI's name for the same bytes (image-spec 1.1, media-types.md "Compatibility Matrix"), undefined for
 * what is no tar layer that a registry hands out: one of Docker's foreign layers, or anything else.
 */
export function layerTypeOf(mediaType: string): string | undefined {
  const packing = packingOf(mediaType);
  if (packing === undefined) return undefined;
  return { none: MEDIA_TYPES.layer, gzip: MEDIA_TYPES.layerGzip, zstd: MEDIA_TYPES.layerZstd }[packing];
}
