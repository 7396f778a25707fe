// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Each code of {@link VulnerabilityError} and the family (so the exit code) it belongs to. What a scan finds is a value, not one of these. */
const FAMILIES = {
  // Feeds: fetching, and reading what is held.
  FEED_ABSENT: 'network',
  FEED_UNREACHABLE: 'network',
  FEED_INVALID: 'proof',
  FEED_TOO_LARGE: 'proof',
  FEED_OLDER: 'proof',
  FEED_SHRUNK: 'proof',
  FEED_DAMAGED: 'machine',
  FEED_SOURCE_INVALID: 'usage',
  // Matching, and what is to be scanned.
  ADVISORY_INVALID: 'proof',
  ORDER_FILE_INVALID: 'usage',
  TARGET_UNREADABLE: 'usage',
  TARGET_INVALID: 'usage',
  // Reachability analysis.
  REACHABILITY_FAILED: 'build',
  REACHABILITY_INVALID: 'proof',
  REACHABILITY_LIMIT: 'build',
  // VEX: documents from anywhere, people's decisions.
  VEX_INVALID: 'proof',
  VEX_DECISIONS_INVALID: 'definition',
  // The SLA clock and its log.
  SLA_EVENT_INVALID: 'machine',
  SLA_EVENTS_MIXED: 'machine',
  SLA_EVENTS_OUT_OF_ORDER: 'proof',
  SLA_LOG_BROKEN: 'proof',
  SLA_LOG_BUSY: 'machine',
  SLA_LOG_UNREADABLE: 'machine',
  SLA_NOT_DETECTED: 'proof',
  SLA_POLICY_INVALID: 'definition',
  SLA_SEAL_REFUSED: 'proof',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link VulnerabilityError}. */
export type VulnerabilityErrorCode = keyof typeof FAMILIES;

/** What can go wrong while feeds are fetched, and images matched, judged and counted against them. */
export class VulnerabilityError extends OakumError<VulnerabilityErrorCode> {
  constructor(code: VulnerabilityErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
