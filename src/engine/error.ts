// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Codes of {@link EngineError}. */
export type EngineErrorCode =
  | 'SANDBOX_UNAVAILABLE'
  | 'SANDBOX_START_FAILED'
  | 'STEP_INVALID'
  | 'MOUNT_MISSING'
  | 'MOUNT_UNREADABLE'
  | 'OUTPUT_MISSING'
  | 'OUTPUT_UNSAFE';

const FAMILIES: Readonly<Record<EngineErrorCode, ErrorFamily>> = {
  SANDBOX_UNAVAILABLE: 'machine',
  SANDBOX_START_FAILED: 'machine',
  STEP_INVALID: 'usage',
  MOUNT_MISSING: 'machine',
  MOUNT_UNREADABLE: 'machine',
  OUTPUT_MISSING: 'build',
  OUTPUT_UNSAFE: 'build',
};

/** A step that could not be started, or whose output must not be touched. How a started step ends is a value, not this. */
export class EngineError extends OakumError<EngineErrorCode> {
  constructor(code: EngineErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
