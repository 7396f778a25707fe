// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

const FAMILIES = {
  UNKNOWN_CHANNEL: 'usage',
  UNKNOWN_COMPONENT: 'usage',
  UNKNOWN_PLATFORM: 'usage',
  COMPONENT_UNDEFINED: 'definition',
  FINDING_REMAINS: 'proof',
  IMAGE_CHANGED: 'registry',
  KUBERNETES_UNKNOWN: 'usage',
  LOCK_INCOMPLETE: 'definition',
  MANIFESTS_INVALID: 'build',
  MANIFESTS_LIMIT: 'build',
  PROVENANCE_INCOMPLETE: 'proof',
  REVISION_MISSING: 'registry',
  REVISION_EXISTS: 'registry',
  STAGING_UNPROVED: 'proof',
  TESTS_BROKEN: 'build',
  TOOL_DAMAGED: 'machine',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link FactoryError}. */
export type FactoryErrorCode = keyof typeof FAMILIES;

/** What can go wrong between the rooms: a request that names nothing, a lock that lacks something, a revision that is taken. */
export class FactoryError extends OakumError<FactoryErrorCode> {
  constructor(code: FactoryErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
