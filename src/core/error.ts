// SPDX-License-Identifier: Apache-2.0

/** What kind of trouble an error is; each family has its own exit code, documented in docs/cli.md. */
export type ErrorFamily =
  | 'usage'
  | 'definition'
  | 'network'
  | 'proof'
  | 'machine'
  | 'build'
  | 'registry'
  | 'cluster'
  | 'cache'
  | 'interrupted';

/** Facts of an error beside its message. `hint` says what to do next; `where` is file:line:column, an image or a URL. */
export interface ErrorDetails {
  readonly where?: string;
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The base of every error a user may meet. Rooms subclass it with a closed union of codes.
 * Message, `where` and `hint` are redacted here, so no room can leak a credential by quoting a URL or a header.
 */
export class OakumError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly family: ErrorFamily;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(family: ErrorFamily, code: Code, message: string, details: ErrorDetails = {}) {
    super(redact(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.family = family;
    this.code = code;
    this.where = details.where === undefined ? undefined : redact(details.where);
    this.hint = details.hint === undefined ? undefined : redact(details.hint);
  }
}

/** Takes any text; gives it with user information in URLs, bearer and basic credentials and signed query values masked. */
export function redact(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]*@/gi, '$1')
    .replace(/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, '$1 ***')
    .replace(/([?&](?:[a-z_-]*(?:token|signature|secret|password|credential|key)|sig)=)[^&\s"']+/gi, '$1***');
}

/** Takes anything caught; gives its message in one line, for use inside another error's message. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return redact(text.split('\n', 1)[0] ?? '');
}
