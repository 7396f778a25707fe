// SPDX-License-Identifier: Apache-2.0
import { type Http, type HttpHeaders, isPassingStatus, readBody, redact } from '#core';
import { EvidenceError } from '../error.ts';

/** A service that takes part in signing, and how to reach it. */
export interface Service {
  readonly http: Http;
  readonly url: string;
}

/** One call. `secrets` never show in an error, even where the service repeats them; `accepts` are statuses that are no failure, beside 2xx. */
export interface ServiceCall {
  readonly name: string;
  readonly path?: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly secrets?: readonly string[];
  readonly accepts?: readonly number[];
  readonly hint?: string;
}

/** What a service said. */
export interface ServiceAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
}

const MAX_ANSWER = 8 << 20;
const MAX_QUOTED = 300;
const JWT = /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g;

/**
 * Calls a service; repeated calls do no harm to any of them, so a lost answer is asked for again. Throws `SIGNING_REFUSED`
 * for another status, HttpError where no answer comes.
 */
export async function callService({ http, url }: Service, call: ServiceCall): Promise<ServiceAnswer> {
  const address = addressOf(url, call.path);
  const response = await http({
    url: address,
    method: call.method ?? 'POST',
    attempts: 4,
    headers: { accept: 'application/json', ...call.headers },
    ...(call.body === undefined ? {} : { body: call.body }),
  });
  const { status, headers } = response;
  const body = await readBody(response, MAX_ANSWER);
  if ((status >= 200 && status < 300) || (call.accepts ?? []).includes(status)) return { status, headers, body };
  throw refusal(call, address, { status, body });
}

/** Takes what a service sent; gives it as JSON. Throws `SIGNING_ANSWER_INVALID`. */
export function parseAnswer(name: string, url: string, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw invalidAnswer(name, url, 'it is no JSON');
  }
}

/** Gives the error for an answer that is not what was asked for. */
export function invalidAnswer(name: string, url: string, why: string): EvidenceError {
  return new EvidenceError('SIGNING_ANSWER_INVALID', `the answer of the ${name} can't be used: ${why}`, {
    where: url,
    hint: 'Check that the address is that of such a service, and of the right version.',
  });
}

/** Refuses to send secrets in the clear, other than to this machine. Throws `SIGNING_INSECURE`. */
export function requireSecure(name: string, url: string): void {
  if (URL.canParse(url)) {
    const { protocol, hostname } = new URL(url);
    if (protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)))
      return;
  }
  throw new EvidenceError('SIGNING_INSECURE', `the ${name} is not reached over https, and would be sent a secret`, {
    where: url,
    hint: 'Give an https:// address.',
  });
}

function addressOf(url: string, path: string | undefined): string {
  return path === undefined ? url : `${url.replace(/\/+$/, '')}/${path}`;
}

function refusal(call: ServiceCall, where: string, answer: { status: number; body: Buffer }): EvidenceError {
  const said = wordsOf(answer.body, call.secrets ?? []);
  const message = `the ${call.name} answered ${answer.status}${said === '' ? '' : `: ${said}`}`;
  const isPassing = isPassingStatus(answer.status);
  const hint = isPassing ? 'Try again later.' : call.hint;
  return new EvidenceError('SIGNING_REFUSED', message, { where, ...(hint === undefined ? {} : { hint }) });
}

/** The message in an error answer, in one line, without secrets. */
function wordsOf(body: Buffer, secrets: readonly string[]): string {
  let text = body.toString('utf8');
  try {
    const found = JSON.parse(text) as { message?: unknown; Message?: unknown; __type?: unknown };
    const words = [found.__type, found.message ?? found.Message].filter((word) => typeof word === 'string');
    if (words.length > 0) text = words.join(': ');
  } catch {
    // No JSON: quoted as it is.
  }
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '***');
  return redact(text.replace(JWT, '***').replace(/\s+/g, ' ').trim()).slice(0, MAX_QUOTED);
}
