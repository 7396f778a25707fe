// SPDX-License-Identifier: Apache-2.0
import { type Digest, Measure, type TreeEntry } from '#core';
import { tarEnd, tarHeader, tarPadding } from '#formats';
import { type Compression, compress, layerMediaType } from './compression.ts';
import type { Descriptor } from './content.ts';
import { ImageError } from './error.ts';
import { orderEntries } from './tree-order.ts';

/** A layer: what a manifest says of it, and `diffId`, the digest of its tar without compression, which a config names. */
export type Layer = Pick<Descriptor, 'mediaType' | 'digest' | 'size'> & { readonly diffId: Digest };

/** Where a layer's bytes go; the cache's blobs are one. */
export interface BlobSink {
  put(bytes: AsyncIterable<Uint8Array>): Promise<{ readonly digest: Digest; readonly size: number }>;
}

/** `epoch`: no entry is later (SOURCE_DATE_EPOCH). `compression` is gzip unless told. */
export interface LayerOptions {
  readonly epoch: Date;
  readonly compression?: Compression;
}

/**
 * Writes a tree as one layer (OCI image-spec 1.1, layer.md), streaming: the same entries in any order give the same
 * bytes. Times later than the epoch are set to it, missing parents are added. Throws `LAYER_PATH_ESCAPES`,
 * `LAYER_PATH_RESERVED`, `LAYER_PATH_DUPLICATE`, `LAYER_LINK_DANGLING`, `LAYER_TIME_INVALID`, `LAYER_SIZE_MISMATCH`,
 * and what the entries' `open` and the sink throw.
 */
export async function writeLayer(entries: Iterable<TreeEntry>, sink: BlobSink, options: LayerOptions): Promise<Layer> {
  const compression = options.compression ?? 'gzip';
  const ordered = orderEntries(entries, options.epoch);
  const sum = new Measure();
  const blob = await sink.put(compress(measured(tarOf(ordered, options.epoch), sum), compression));
  return { mediaType: layerMediaType(compression), digest: blob.digest, size: blob.size, diffId: sum.digest() };
}

async function* measured(bytes: AsyncIterable<Uint8Array>, sum: Measure): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    sum.update(chunk);
    yield chunk;
  }
}

async function* tarOf(entries: readonly TreeEntry[], epoch: Date): AsyncGenerator<Uint8Array> {
  const latest = secondsOf(epoch, 'the epoch');
  for (const entry of entries) {
    yield tarHeader({ ...entry, mtime: Math.min(secondsOf(entry.mtime, entry.path), latest) });
    if (entry.kind !== 'file') continue;
    yield* bodyOf(entry);
    yield tarPadding(entry.size);
  }
  yield tarEnd();
}

async function* bodyOf(entry: Extract<TreeEntry, { kind: 'file' }>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of entry.open()) {
    size += chunk.byteLength;
    if (size > entry.size) break;
    yield chunk;
  }
  if (size === entry.size) return;
  throw new ImageError(
    'LAYER_SIZE_MISMATCH',
    `a file has ${size > entry.size ? 'more than' : `only ${size} of`} the ${entry.size} bytes it was said to have`,
    { where: entry.path, hint: 'It may have changed while it was read; run the command again.' },
  );
}

function secondsOf(time: Date, where: string): number {
  const seconds = Math.floor(time.getTime() / 1000);
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new ImageError('LAYER_TIME_INVALID', 'a time in a layer must be a date from 1970 on', { where });
}
