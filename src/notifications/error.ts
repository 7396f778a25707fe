// SPDX-License-Identifier: Apache-2.0
import { type ErrorDetails, type ErrorFamily, OakumError } from '#core';

const FAMILIES = {
  SECRET_MISSING: 'usage',
  ADDRESS_INVALID: 'usage',
  DELIVERY_FAILED: 'network',
  OUTBOX_DAMAGED: 'machine',
} as const satisfies Record<string, ErrorFamily>;

/** Codes of {@link NotificationError}. */
export type NotificationErrorCode = keyof typeof FAMILIES;

/** A notice that can't be told. Never names an address whole: that of a webhook is a secret. */
export class NotificationError extends OakumError<NotificationErrorCode> {
  constructor(code: NotificationErrorCode, message: string, details: ErrorDetails = {}) {
    super(FAMILIES[code], code, message, details);
  }
}
