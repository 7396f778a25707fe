// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

/** Each code of {@link EvidenceError} and the family (so the exit code) it belongs to. A verdict "not trusted" is a value, not one of these. */
const FAMILIES = {
  STATEMENT_INVALID: 'proof',
  // An SBOM, and the content that it is compared with.
  SBOM_INPUT_INVALID: 'build',
  SBOM_INVALID: 'proof',
  SBOM_CONTENT_INVALID: 'proof',
  // Evidence and the image it is attached to.
  SUBJECT_MISMATCH: 'proof',
  REFERRERS_TOO_MANY: 'registry',
  EVIDENCE_LOST: 'registry',
  PROVENANCE_INVALID: 'proof',
  PREDICATE_MISSING: 'registry',
  PLATFORM_MISSING: 'usage',
  // A verification policy, and what it names.
  POLICY_UNREADABLE: 'definition',
  POLICY_INVALID: 'definition',
  TRUSTED_ROOT_INVALID: 'definition',
  TRUSTED_ROOT_UNAVAILABLE: 'network',
  VERDICT_MISSING: 'registry',
  // Keys, and the services that take part in signing.
  KEY_EXPOSED: 'machine',
  KEY_MISSING: 'usage',
  KEY_PASSWORD_WRONG: 'usage',
  KEY_UNREADABLE: 'definition',
  KEY_UNSUPPORTED: 'definition',
  KMS_INVALID: 'usage',
  KMS_SIGNATURE_WRONG: 'proof',
  SIGNING_ANSWER_INVALID: 'proof',
  SIGNING_INSECURE: 'usage',
  SIGNING_REFUSED: 'network',
  SIGNING_UNWITNESSED: 'usage',
  TOKEN_INVALID: 'usage',
  TOKEN_MISSING: 'usage',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link EvidenceError}. */
export type EvidenceErrorCode = keyof typeof FAMILIES;

/** What can go wrong while evidence is made, attached or read. */
export class EvidenceError extends OakumError<EvidenceErrorCode> {
  constructor(code: EvidenceErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
