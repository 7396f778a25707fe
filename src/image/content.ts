// SPDX-License-Identifier: Apache-2.0
import { type Digest, Measure } from '#core';
import { ImageError } from './error.ts';

/** What a manifest runs on (OCI image-spec 1.1, image-index.md "platform"). */
export type ContentPlatform = {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
};

/** Points at content: what it is, its digest and its size in bytes (OCI image-spec 1.1, descriptor.md). */
export type Descriptor = {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: ContentPlatform;
  readonly artifactType?: string;
};

/**
 * Where content is read: a registry, a layout, the cache. What `open` yields is not to be trusted:
 * whoever reads it checks it, with {@link checkedContent} or {@link readContent}. Throws `BLOB_MISSING` when absent.
 */
export interface ContentSource {
  open(descriptor: Descriptor): AsyncIterable<Uint8Array>;
}

/** Where content is written: a registry, a layout, memory. `put` checks what it is given and keeps nothing that is wrong. */
export interface ContentSink {
  has(descriptor: Descriptor): Promise<boolean>;
  /** `bytes` is called anew for each attempt. */
  put(descriptor: Descriptor, bytes: () => AsyncIterable<Uint8Array>): Promise<void>;
}

/** A sink that also holds manifests and gives them names. */
export interface ManifestSink extends ContentSink {
  /** Stores a manifest or index byte for byte; what it points at must be there before. `tag` moves if it exists. */
  putManifest(descriptor: Descriptor, bytes: Uint8Array, tag?: string): Promise<void>;
}

/** Passes bytes through; throws `BLOB_SIZE_MISMATCH` or `BLOB_DIGEST_MISMATCH` as soon as they are not what the descriptor says. */
export async function* checkedContent(
  descriptor: Descriptor,
  bytes: AsyncIterable<Uint8Array>,
  where?: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const sum = new Measure();
  const details = where === undefined ? {} : { where };
  for await (const chunk of bytes) {
    sum.update(chunk);
    if (sum.size > descriptor.size) break;
    yield chunk;
  }
  if (sum.size !== descriptor.size) {
    const came = sum.size > descriptor.size ? `more than ${descriptor.size}` : `only ${sum.size} of ${descriptor.size}`;
    throw new ImageError('BLOB_SIZE_MISMATCH', `${came} bytes came for ${descriptor.digest}`, details);
  }
  const digest = sum.digest();
  if (digest === descriptor.digest) return;
  throw new ImageError('BLOB_DIGEST_MISMATCH', `the bytes of ${descriptor.digest} have digest ${digest}`, details);
}

/** Reads small content whole and checked; throws `CONTENT_TOO_LARGE` before reading anything that says it is above `maxBytes`. */
export async function readContent(source: ContentSource, descriptor: Descriptor, maxBytes: number): Promise<Buffer> {
  if (descriptor.size > maxBytes) {
    throw new ImageError(
      'CONTENT_TOO_LARGE',
      `${descriptor.digest} says it has ${descriptor.size} bytes; at most ${maxBytes} are read`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of checkedContent(descriptor, source.open(descriptor))) chunks.push(chunk);
  return Buffer.concat(chunks);
}
