// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Each code of {@link ImageError} and the family (so the exit code) it belongs to. */
const FAMILIES = {
  // A tree that can't become a layer.
  LAYER_PATH_ESCAPES: 'build',
  LAYER_PATH_DUPLICATE: 'build',
  LAYER_LINK_DANGLING: 'build',
  LAYER_SIZE_MISMATCH: 'build',
  LAYER_TIME_INVALID: 'build',
  // Content that is not what its descriptor says, or not what the OCI image spec says.
  BLOB_DIGEST_MISMATCH: 'proof',
  BLOB_SIZE_MISMATCH: 'proof',
  BLOB_MISSING: 'registry',
  CONTENT_TOO_LARGE: 'proof',
  LAYER_INVALID: 'proof',
  MANIFEST_INVALID: 'registry',
  MANIFEST_UNKNOWN: 'registry',
  // A folder that is no OCI layout, or one that can't be written.
  LAYOUT_INVALID: 'registry',
  LAYOUT_BUSY: 'registry',
  LAYOUT_DISK_FULL: 'machine',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link ImageError}. */
export type ImageErrorCode = keyof typeof FAMILIES;

/** What can go wrong between a tree of files and an image in a layout or a registry. */
export class ImageError extends OakumError<ImageErrorCode> {
  constructor(code: ImageErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
