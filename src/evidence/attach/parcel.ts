// SPDX-License-Identifier: Apache-2.0
import type { Json } from '#formats';
import { type Descriptor, type Document, toDocument } from '#image';

/** A manifest and the small blobs below it, all in memory; to be stored blobs first. */
export interface Parcel {
  readonly manifest: Document;
  readonly blobs: readonly Document[];
}

/** The layer and artifact type of a Sigstore bundle, version 0.3. */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** The config of a manifest that has none (OCI image-spec 1.1, manifest.md "Guidance for an Empty Descriptor"). */
export const EMPTY_CONFIG: Document = toDocument({}, 'application/vnd.oci.empty.v1+json');

const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json';

/** Gives an image config for a manifest whose layers are documents and no file systems: no platform, each layer as it is. */
export function documentsConfig(layers: readonly Descriptor[]): Document {
  const config: Json = {
    architecture: 'unknown',
    os: 'unknown',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  };
  return toDocument(config, IMAGE_CONFIG);
}

/** Gives what another manifest or an index needs to point at content: type, digest, size and nothing else. */
export function plainDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
