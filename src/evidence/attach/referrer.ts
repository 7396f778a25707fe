// SPDX-License-Identifier: Apache-2.0
import type { Json } from '#formats';
import { buildManifest, type Descriptor, toDocument, toRfc3339 } from '#image';
import { BUNDLE_TYPE, EMPTY_CONFIG, type Parcel, plainDescriptor } from './parcel.ts';

/** The annotation of a referrer that says what the statement in its bundle claims. Anybody can write it: it only helps to choose. */
export const BUNDLE_PREDICATE = 'dev.sigstore.bundle.predicateType';

/** What {@link buildReferrer} hangs on a subject. */
export interface ReferrerRequest {
  /** The manifest or index spoken of, as it lies beside the referrer. */
  readonly subject: Descriptor;
  /** A Sigstore bundle v0.3 with a DSSE envelope. */
  readonly bundle: Json;
  readonly predicateType: string;
  /** For `org.opencontainers.image.created`: the image's epoch, so that the same bundle gives the same referrer. */
  readonly created: Date;
}

/**
 * Builds the manifest that attaches a bundle to an image as an OCI 1.1 referrer, in the form that cosign 3 writes and
 * reads (cosign specs/BUNDLE_SPEC.md): the bundle is the only layer and gives the artifact type.
 */
export function buildReferrer({ subject, bundle, predicateType, created }: ReferrerRequest): Parcel {
  const layer = toDocument(bundle, BUNDLE_TYPE);
  const manifest = buildManifest({
    artifactType: BUNDLE_TYPE,
    config: EMPTY_CONFIG.descriptor,
    layers: [layer.descriptor],
    subject: plainDescriptor(subject),
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      [BUNDLE_PREDICATE]: predicateType,
      'org.opencontainers.image.created': toRfc3339(created),
    },
  });
  return { manifest, blobs: [EMPTY_CONFIG, layer] };
}
