// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

const FAMILIES = {
  MANIFESTS_UNUSABLE: 'definition',
  MANIFESTS_CONTRADICT_RELEASE: 'proof',
  PLAN_BLOCKED: 'cluster',
  CLUSTER_HALF_CHANGED: 'cluster',
  NOT_INSTALLED: 'cluster',
  INSTALLATION_UNREADABLE: 'cluster',
  GIT_UNUSABLE: 'usage',
  GIT_NOTHING_TO_EDIT: 'usage',
  REPOSITORY_UNREADABLE: 'usage',
  REPOSITORY_CHANGED: 'machine',
  TARGET_UNKNOWN: 'usage',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link ConsumerError}. */
export type ConsumerErrorCode = keyof typeof FAMILIES;

/** A cluster or repository that can't be brought to a revision as asked. */
export class ConsumerError extends OakumError<ConsumerErrorCode> {
  constructor(code: ConsumerErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
