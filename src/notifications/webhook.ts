// SPDX-License-Identifier: Apache-2.0
import { discard, type Http, HttpError } from '#core';
import { NotificationError } from './error.ts';
import type { Notice } from './notice.ts';
import type { Target } from './target.ts';

/** What a body is made for: the distribution's name. */
export interface Origin {
  readonly distribution: string;
}

const ATTEMPTS = 3;
const IDLE_MILLISECONDS = 15_000;
const MOST_SLACK_CHARACTERS = 3000;

/** Gives a notice as a CloudEvent in the JSON format (CloudEvents 1.0, JSON Event Format 3.1). */
export function toCloudEvent(notice: Notice, { distribution }: Origin): Readonly<Record<string, unknown>> {
  return {
    specversion: '1.0',
    id: notice.id,
    source: `/oakum/${distribution}`,
    type: `dev.oakum.${notice.kind}.v1`,
    subject: notice.subject,
    time: notice.time,
    datacontenttype: 'application/json',
    data: { text: notice.text, ...notice.data },
  };
}

/** Gives a notice as Slack's incoming webhooks take it: &, < and > escaped, since what strangers wrote may be in it. */
export function toSlackMessage({ kind, text }: Notice, { distribution }: Origin): { readonly text: string } {
  const whole = `[${distribution}] ${kind}: ${text}`;
  const cut = whole.length > MOST_SLACK_CHARACTERS ? `${whole.slice(0, MOST_SLACK_CHARACTERS - 3)}...` : whole;
  return { text: cut.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') };
}

/** Gives a notice as plain JSON. */
export function toPlainJson(notice: Notice, { distribution }: Origin): Readonly<Record<string, unknown>> {
  return { distribution, ...notice };
}

const FORMS = {
  // A receiver reads the structured mode from the content type (CloudEvents HTTP binding 3.2).
  cloudevents: { type: 'application/cloudevents+json; charset=UTF-8', body: toCloudEvent },
  slack: { type: 'application/json', body: toSlackMessage },
  json: { type: 'application/json', body: toPlainJson },
} as const;

/** Posts a notice, three times at most, since its id lets a receiver drop what it has; throws `DELIVERY_FAILED`. */
export async function postNotice(
  notice: Notice,
  target: Target & { readonly settings: { readonly kind: keyof typeof FORMS } },
  { http, origin, signal }: { readonly http: Http; readonly origin: Origin; readonly signal: AbortSignal },
): Promise<void> {
  const { type, body } = FORMS[target.settings.kind];
  try {
    const { username, password } = target.url;
    const url = new URL(target.url);
    url.username = '';
    url.password = '';
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
    const response = await http({
      url: url.href,
      method: 'POST',
      headers: { 'content-type': type, ...(username === '' ? {} : { authorization: `Basic ${login}` }) },
      body: JSON.stringify(body(notice, origin)),
      attempts: ATTEMPTS,
      idleMilliseconds: IDLE_MILLISECONDS,
      signal,
    });
    await discard(response);
    if (response.status < 200 || response.status > 299) throw failed(target, `it answered ${response.status}`);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw failed(target, error.message); // without `cause` and `where`, which hold the whole address
  }
}

function failed({ name, url }: Target, why: string): NotificationError {
  return new NotificationError('DELIVERY_FAILED', `${name}: ${why}`, { where: url.host });
}
