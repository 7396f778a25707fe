// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Each code of {@link ImageError} and the family (so the exit code) it belongs to. */
const FAMILIES = {
  // A tree that can't become a layer.
  LAYER_PATH_ESCAPES: 'build',
  LAYER_PATH_RESERVED: 'build',
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
  // A registry, from the name given to the answer that came.
  REFERENCE_INVALID: 'usage',
  CREDENTIALS_INVALID: 'registry',
  REGISTRY_UNAUTHORIZED: 'registry',
  REGISTRY_DENIED: 'registry',
  REGISTRY_NAME_UNKNOWN: 'registry',
  REGISTRY_THROTTLED: 'registry',
  REGISTRY_FAILED: 'registry',
  REGISTRY_REFUSED: 'registry',
  REGISTRY_UNREACHABLE: 'registry',
  REGISTRY_DROPPED: 'registry',
  REGISTRY_TLS: 'registry',
  REGISTRY_PLAIN_HTTP: 'registry',
  REGISTRY_NOT_OCI: 'registry',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link ImageError}. */
export type ImageErrorCode = keyof typeof FAMILIES;

/** What can go wrong between a tree of files and an image in a layout or a registry. */
export class ImageError extends OakumError<ImageErrorCode> {
  constructor(code: ImageErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}

/** Takes anything caught while writing below `folder`; gives an {@link ImageError} for a full disk, else the thing itself. */
export function toLayoutError(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new ImageError('LAYOUT_DISK_FULL', 'the disk is full', {
    where: folder,
    hint: 'Free space, or choose an output folder on a larger disk.',
    cause: error,
  });
}
