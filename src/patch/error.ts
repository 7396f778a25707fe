// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

const FAMILIES = {
  MODULE_GRAPH_TOO_LARGE: 'proof',
  GO_MOD_INVALID: 'proof',
  PATCH_FILE_INVALID: 'definition',
  PATCH_DOES_NOT_APPLY: 'definition',
  OVERLAY_DIFFERS: 'proof',
  PACKAGES_UNLISTED: 'build',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link PatchError}. */
export type PatchErrorCode = keyof typeof FAMILIES;

/** A patch that can't be planned or applied at all. A finding that can't be fixed is no error: it stays, with its reason. */
export class PatchError extends OakumError<PatchErrorCode> {
  constructor(code: PatchErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
