// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Codes of {@link SourcesError}. */
export type SourcesErrorCode =
  | 'PROXY_LIST_INVALID'
  | 'PROXY_MISSING'
  | 'PROXY_FAILED'
  | 'PROXY_ANSWER_INVALID'
  | 'MODULE_NOT_SERVED'
  | 'MODULE_NAME_INVALID'
  | 'VERSION_UNKNOWN'
  | 'RELEASE_INVALID'
  | 'HASH_MISMATCH'
  | 'ZIP_REFUSED'
  | 'GO_MOD_INVALID'
  | 'GO_SUM_INCOMPLETE'
  | 'DATABASE_SETTING_INVALID'
  | 'DATABASE_FAILED'
  | 'DATABASE_LACKS_MODULE'
  | 'DATABASE_ANSWER_INVALID'
  | 'DATABASE_BAD_SIGNATURE'
  | 'DATABASE_FORKED'
  | 'DATABASE_ROLLED_BACK';

const FAMILIES: Readonly<Record<SourcesErrorCode, ErrorFamily>> = {
  PROXY_LIST_INVALID: 'definition',
  PROXY_MISSING: 'usage',
  PROXY_FAILED: 'network',
  PROXY_ANSWER_INVALID: 'network',
  MODULE_NOT_SERVED: 'network',
  MODULE_NAME_INVALID: 'usage',
  VERSION_UNKNOWN: 'usage',
  RELEASE_INVALID: 'proof',
  HASH_MISMATCH: 'proof',
  ZIP_REFUSED: 'proof',
  GO_MOD_INVALID: 'proof',
  GO_SUM_INCOMPLETE: 'proof',
  DATABASE_SETTING_INVALID: 'definition',
  DATABASE_FAILED: 'network',
  DATABASE_LACKS_MODULE: 'proof',
  DATABASE_ANSWER_INVALID: 'proof',
  DATABASE_BAD_SIGNATURE: 'proof',
  DATABASE_FORKED: 'proof',
  DATABASE_ROLLED_BACK: 'proof',
};

/** Sources that could not be had, or are not what the checksum database, go.sum or a lock says they are. */
export class SourcesError extends OakumError<SourcesErrorCode> {
  constructor(code: SourcesErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
