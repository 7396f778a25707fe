// SPDX-License-Identifier: Apache-2.0
import { type ImageConfig, parseConfig } from './config.ts';
import { type ContentSource, type Descriptor, readContent } from './content.ts';
import { type Manifest, MAX_MANIFEST_BYTES, parseManifest } from './manifest.ts';

/** The two documents of one platform's image. */
export interface ImageDocuments {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

/**
 * Takes where an image is and the descriptor of its manifest; gives its manifest and config (OCI image-spec 1.1, manifest.md and
 * config.md), both checked by size and digest. Throws `MANIFEST_INVALID`, `CONTENT_TOO_LARGE` and `BLOB_*`.
 */
export async function readImageDocuments(source: ContentSource, descriptor: Descriptor): Promise<ImageDocuments> {
  const manifest = parseManifest(await readContent(source, descriptor, MAX_MANIFEST_BYTES), descriptor.digest);
  const bytes = await readContent(source, manifest.config, MAX_MANIFEST_BYTES);
  return { manifest, config: parseConfig(bytes, manifest.config.digest) };
}
