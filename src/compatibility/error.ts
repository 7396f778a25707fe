// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

const FAMILIES = {
  CALENDAR_INVALID: 'proof',
  CALENDAR_MISSING: 'network',
  CELL_INVALID: 'definition',
  CRD_INVALID: 'proof',
  DEPLOYMENT_UNUSABLE: 'definition',
  ETCD_MISSING: 'machine',
  IMAGE_MISSING: 'registry',
  IMAGE_UNUSABLE: 'registry',
  LINE_UNKNOWN: 'usage',
  MANIFESTS_REFUSED: 'build',
  MINOR_UNKNOWN: 'usage',
  PROGRAM_FAILED: 'machine',
  PROGRAM_UNSTARTED: 'machine',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link CompatibilityError}. */
export type CompatibilityErrorCode = keyof typeof FAMILIES;

/** What can go wrong where lines of Flux meet Kubernetes: a calendar that is not there, a name that nothing has, a CRD that is none. */
export class CompatibilityError extends OakumError<CompatibilityErrorCode> {
  constructor(code: CompatibilityErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
