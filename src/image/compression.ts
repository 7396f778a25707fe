// SPDX-License-Identifier: Apache-2.0
import { GZIP_FORMAT, parallelGzip, ZSTD_FORMAT, zstd } from '#formats';
import { MEDIA_TYPES } from './media-types.ts';

/** How layers are compressed; gzip is what every client reads. */
export type Compression = 'gzip' | 'zstd';

/** Gives the media type of a layer so compressed. */
export function layerMediaType(compression: Compression): string {
  return compression === 'gzip' ? MEDIA_TYPES.layerGzip : MEDIA_TYPES.layerZstd;
}

/** Compresses a stream; same bytes and same {@link compressorIdentity}, same result. */
export function compress(bytes: AsyncIterable<Uint8Array>, compression: Compression): AsyncGenerator<Buffer> {
  return compression === 'gzip' ? parallelGzip(bytes) : zstd(bytes);
}

/**
 * Names the compressor's build for the lock and for step keys. Digests of compressed layers hold for one such name;
 * diffIds hold for all. The CPU's architecture is part of it: Node's zlib hashes with other instructions on each.
 */
export function compressorIdentity(compression: Compression): string {
  const library = compression === 'gzip' ? process.versions.zlib : process.versions['zstd'];
  const format = compression === 'gzip' ? GZIP_FORMAT : ZSTD_FORMAT;
  return `${compression}/${format} ${compression === 'gzip' ? 'zlib' : 'zstd'}-${library ?? 'unknown'} node-${process.versions.node} ${process.arch}`;
}
