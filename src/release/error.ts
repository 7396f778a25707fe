// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Codes of {@link ReleaseError}. */
export type ReleaseErrorCode =
  | 'CATALOG_CONTRADICTS'
  | 'CATALOG_EMPTY'
  | 'NOTES_CONTRADICT'
  | 'PINS_INVALID'
  | 'RELEASE_ABSENT'
  | 'RELEASE_INVALID'
  | 'RELEASE_NEWER'
  | 'RELEASE_NOT_CANONICAL';

const FAMILIES: Readonly<Record<ReleaseErrorCode, ErrorFamily>> = {
  CATALOG_CONTRADICTS: 'proof',
  CATALOG_EMPTY: 'usage',
  NOTES_CONTRADICT: 'proof',
  PINS_INVALID: 'definition',
  RELEASE_ABSENT: 'registry',
  RELEASE_INVALID: 'definition',
  RELEASE_NEWER: 'definition',
  RELEASE_NOT_CANONICAL: 'definition',
};

/** Something about release documents: one that can't be read, or several that contradict each other. */
export class ReleaseError extends OakumError<ReleaseErrorCode> {
  constructor(code: ReleaseErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
