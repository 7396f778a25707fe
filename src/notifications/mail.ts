// SPDX-License-Identifier: Apache-2.0
import { getCACertificates, rootCertificates } from 'node:tls';
import { type Clock, messageOf, retryDelay } from '#core';
import { NotificationError } from './error.ts';
import type { Notice } from './notice.ts';
import { isLoopback, type Target, type TargetSettings } from './target.ts';
import type { Origin } from './webhook.ts';

/** What sending mail needs; `authorities` are CAs (PEM) believed beside the machine's own. */
export interface MailContext {
  readonly clock: Clock;
  readonly origin: Origin;
  readonly signal: AbortSignal;
  readonly authorities?: readonly string[];
}

type MailTarget = Target & { readonly settings: Extract<TargetSettings, { kind: 'email' }> };

const ATTEMPTS = 3;
const PATIENCE_MILLISECONDS = 15_000;

/**
 * Sends a notice as mail by SMTP (RFC 5321). smtps:// is TLS from the start (RFC 8314); smtp:// must be raised to TLS by STARTTLS, except
 * on loopback and where the target is `insecure`. Refused for good (5xx) is not tried again. Throws `DELIVERY_FAILED`.
 */
export async function mailNotice(notice: Notice, target: MailTarget, context: MailContext): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const transport = createTransport(connectionOf(target, context));
  const message = {
    from: target.settings.from,
    to: [...target.settings.to],
    subject: subjectOf(notice, context.origin),
    messageId: `<${notice.id}@${context.origin.distribution}.oakum.invalid>`,
    text: `${notice.text}\n\n${JSON.stringify(notice.data, null, 2)}\n`,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  try {
    for (let attempt = 1; ; attempt += 1) {
      context.signal.throwIfAborted();
      try {
        await transport.sendMail(message);
        return;
      } catch (error) {
        if (attempt >= ATTEMPTS || !isPassing(error)) throw failed(target, error);
        await context.clock.sleep(retryDelay(attempt, context.clock), context.signal);
      }
    }
  } finally {
    transport.close();
  }
}

function connectionOf({ url, settings }: MailTarget, { authorities = [] }: MailContext) {
  const secure = url.protocol === 'smtps:';
  const plain = !secure && (settings.insecure === true || isLoopback(url));
  const ca = [...rootCertificates, ...getCACertificates('system'), ...getCACertificates('extra'), ...authorities];
  const auth = { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: !secure && !plain,
    tls: { ca },
    ...(auth.user === '' ? {} : { auth }),
    connectionTimeout: PATIENCE_MILLISECONDS,
    greetingTimeout: PATIENCE_MILLISECONDS,
    socketTimeout: PATIENCE_MILLISECONDS,
  };
}

/** One line: what strangers wrote must not add headers. */
function subjectOf({ kind, subject }: Notice, { distribution }: Origin): string {
  return `[${distribution}] ${kind}: ${subject}`.replace(/\p{Cc}+/gu, ' ').slice(0, 200);
}

/** A connection that broke, or a 4xx answer (RFC 5321 4.2.1), may pass by itself; a certificate or a 5xx does not. */
function isPassing(error: unknown): boolean {
  const { code, responseCode } = error as { readonly code?: string; readonly responseCode?: number };
  if (responseCode !== undefined) return responseCode < 500;
  return ['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'ECONNREFUSED', 'ECONNRESET'].includes(code ?? '');
}

function failed({ name, url }: Target, error: unknown): NotificationError {
  return new NotificationError('DELIVERY_FAILED', `${name}: ${messageOf(error)}`, { where: url.host });
}
