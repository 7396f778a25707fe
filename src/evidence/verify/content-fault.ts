// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';

const CODES: readonly string[] = ['MANIFEST_INVALID', 'MANIFEST_UNKNOWN', 'BLOB_MISSING', 'CONTENT_TOO_LARGE'];

/**
 * Says whether an error means that content is wrong, or listed and not there: then the verdict is "not trusted". Any other
 * one of ours means that a place could not be reached, so that nothing can be said.
 */
export function isContentFault(error: unknown): error is OakumError {
  return error instanceof OakumError && (error.family === 'proof' || CODES.includes(error.code));
}
