// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, OakumError } from '#core';

/** Codes of {@link BuildError}. */
export type BuildErrorCode =
  | 'COMPILE_FAILED'
  | 'COMPILE_LIMIT'
  | 'BINARY_MISSING'
  | 'BINARY_NOT_AS_ASKED'
  | 'FIPS_UNPROVED'
  | 'TESTS_UNLISTED'
  | 'TEST_OUTPUT_INVALID';

/** A component that did not compile, or whose binary is not what was asked for. */
export class BuildError extends OakumError<BuildErrorCode> {
  constructor(code: BuildErrorCode, message: string, details: ErrorDetails = {}) {
    super('build', code, message, details);
  }
}
