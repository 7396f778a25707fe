// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, OakumError } from '#core';

/** Codes of {@link FormatError}. */
export type FormatErrorCode =
  | 'APK_DIFFERS'
  | 'APK_INVALID'
  | 'AR_INVALID'
  | 'AR_TRUNCATED'
  | 'DEB822_INVALID'
  | 'DECOMPRESS_INVALID'
  | 'DECOMPRESS_TOO_LARGE'
  | 'DER_INVALID'
  | 'GO_MOD_INVALID'
  | 'PATCH_INVALID'
  | 'PATCH_MISFIT'
  | 'PURL_INVALID'
  | 'RPM_INVALID'
  | 'SHAPE_INVALID'
  | 'TAR_INVALID'
  | 'TAR_TRUNCATED'
  | 'TAR_TOO_LARGE'
  | 'TAR_PATH_ESCAPES'
  | 'TAR_PATH_DUPLICATE'
  | 'TAR_LINK_DANGLING'
  | 'TAR_ENTRY_REFUSED'
  | 'ZIP_INVALID';

/** Bytes that are not what their format says, or that only an attacker would write. */
export class FormatError extends OakumError<FormatErrorCode> {
  constructor(code: FormatErrorCode, message: string, details: ErrorDetails = {}) {
    super('proof', code, message, details);
  }
}
