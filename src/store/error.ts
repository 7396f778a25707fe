// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Each code of {@link StoreError} and the family (so the exit code) it belongs to. */
const FAMILIES = {
  STORE_BUSY: 'machine',
  STORE_DAMAGED: 'machine',
  STORE_NEWER: 'machine',
  STORE_REFUSED: 'network',
  STORE_UNREACHABLE: 'network',
  STORE_UNSUPPORTED: 'machine',
  STORE_URL_INVALID: 'usage',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link StoreError}. */
export type StoreErrorCode = keyof typeof FAMILIES;

/** Why the store can't be opened or used. */
export class StoreError extends OakumError<StoreErrorCode> {
  constructor(code: StoreErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
