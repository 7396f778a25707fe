// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from './clock.ts';
import { createDispatcher, type DispatcherOptions } from './dispatcher.ts';
import { messageOf, OakumError, redact } from './error.ts';

/** Codes of {@link HttpError}. */
export type HttpErrorCode = 'HTTP_UNREACHABLE' | 'HTTP_STATUS' | 'HTTP_BODY_CUT' | 'HTTP_TOO_LARGE' | 'HTTP_REDIRECT';

/** A server that could not be reached or did not answer as HTTP says. `status` is set for `HTTP_STATUS`. */
export class HttpError extends OakumError<HttpErrorCode> {
  readonly status: number | undefined;

  constructor(
    code: HttpErrorCode,
    message: string,
    details: { where: string; hint?: string; cause?: unknown; status?: number },
  ) {
    super('network', code, message, details);
    this.status = details.status;
  }
}

/** One request. `body` as a function is called anew for each attempt. */
export interface HttpRequest {
  readonly url: string;
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | (() => AsyncIterable<Uint8Array>);
  readonly signal?: AbortSignal;
  /** How often to try in all; 4 by default for GET and HEAD, 1 for the others, which must say that they may be repeated. */
  readonly attempts?: number;
  /** Follow redirects (default for GET and HEAD); credentials are dropped when the origin changes. */
  readonly followRedirects?: boolean;
  /** Milliseconds without a byte until the request counts as dead; 60,000 by default. */
  readonly idleMilliseconds?: number;
}

/** The headers of an answer; a global `Headers` is one too. Several of a name are joined with commas (RFC 9110 5.2). */
export type HttpHeaders = Pick<Headers, 'get'>;

/** One answer, whatever its status. The body must be read or dropped with {@link discard}. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** The address that answered, after redirects. */
  readonly url: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Sends one request; throws {@link HttpError} when no answer came. Any status is an answer. */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

/** What {@link createHttp} needs: a clock for waiting, and how to connect. */
export interface HttpOptions extends DispatcherOptions {
  readonly clock: Clock;
  readonly userAgent?: string;
}

const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;
const MAX_WAIT = 60_000;

/** Gives an {@link Http} on undici: system and given CAs, proxies, retries with backoff that honour Retry-After (RFC 9110 10.2.3). */
export function createHttp(options: HttpOptions): Http {
  let dispatcher: Dispatcher | undefined;
  const agent = () => (dispatcher ??= createDispatcher(options));
  return async (request) => {
    const idempotent = request.method === undefined || request.method === 'GET' || request.method === 'HEAD';
    const attempts = request.attempts ?? (idempotent ? 4 : 1);
    for (let attempt = 1; ; attempt += 1) {
      let wait: number;
      try {
        const response = await follow(agent(), request, options.userAgent, request.followRedirects ?? idempotent);
        if (attempt >= attempts || !isPassingStatus(response.status)) return response;
        await discard(response);
        wait = retryDelay(attempt, options.clock, response.headers);
      } catch (error) {
        if (request.signal?.aborted) throw request.signal.reason;
        if (attempt >= attempts || !(error instanceof HttpError) || error.code === 'HTTP_REDIRECT') throw error;
        wait = retryDelay(attempt, options.clock);
      }
      await options.clock.sleep(wait, request.signal);
    }
  };
}

/** Says whether a status may pass by itself, so that asking again makes sense: too early, too much, or a server in trouble. */
export function isPassingStatus(status: number): boolean {
  return RETRIED.has(status);
}

/**
 * Gives the milliseconds to wait after the given failed attempt (1 is the first): what Retry-After says (RFC 9110 10.2.3),
 * else growing with the attempts and a little random, so that many clients do not come back at once. One minute at most.
 */
export function retryDelay(attempt: number, clock: Clock, headers?: HttpHeaders): number {
  return Math.min(retryAfter(headers?.get('retry-after') ?? null, clock) ?? backoff(attempt), MAX_WAIT);
}

/** Drops a response's body so that its connection can be used again. */
export async function discard(response: HttpResponse): Promise<void> {
  let seen = 0;
  try {
    for await (const chunk of response.body) {
      seen += chunk.byteLength;
      if (seen > 65_536) break; // leaving the loop destroys the stream: cheaper than draining a large body
    }
  } catch {
    // A body nobody wants may break as it likes.
  }
}

/** Yields a response's bytes; throws `HTTP_TOO_LARGE` past `maxBytes` and `HTTP_BODY_CUT` when the connection breaks. */
export async function* limitedBody(
  response: HttpResponse,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of response.body) {
      size += chunk.byteLength;
      if (size > maxBytes) {
        throw new HttpError('HTTP_TOO_LARGE', `the answer is larger than ${maxBytes} bytes`, { where: response.url });
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof OakumError) throw error;
    throw new HttpError('HTTP_BODY_CUT', `the answer broke off after ${size} bytes: ${messageOf(error)}`, {
      where: response.url,
      cause: error,
      hint: 'Try again; if it happens each time, ask who runs this server or the proxy before it.',
    });
  }
}

/** Reads a small body whole; throws as {@link limitedBody} does. */
export async function readBody(response: HttpResponse, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of limitedBody(response, maxBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads a small body as UTF-8; throws as {@link limitedBody} does. */
export async function readText(response: HttpResponse, maxBytes: number): Promise<string> {
  return (await readBody(response, maxBytes)).toString('utf8');
}

async function follow(
  dispatcher: Dispatcher,
  request: HttpRequest,
  userAgent: string | undefined,
  redirects: boolean,
): Promise<HttpResponse> {
  let url = request.url;
  let headers: Record<string, string> = { 'user-agent': userAgent ?? 'oakum', ...request.headers };
  for (let hop = 0; ; hop += 1) {
    const response = await send(dispatcher, { ...request, url, headers });
    const location = response.headers.get('location');
    if (!redirects || !REDIRECTS.has(response.status) || location === null) return response;
    await discard(response);
    if (hop >= MAX_REDIRECTS || !URL.canParse(location, url)) {
      throw new HttpError('HTTP_REDIRECT', 'the server redirects in circles or to nowhere', { where: request.url });
    }
    const next = new URL(location, url);
    if (next.origin !== new URL(url).origin) headers = withoutCredentials(headers);
    if (next.protocol !== 'https:' && new URL(url).protocol === 'https:') {
      throw new HttpError('HTTP_REDIRECT', `the server redirects from https to ${next.protocol}//`, {
        where: request.url,
      });
    }
    url = next.href;
  }
}

async function send(
  dispatcher: Dispatcher,
  request: HttpRequest & { headers: Record<string, string> },
): Promise<HttpResponse> {
  if (!URL.canParse(request.url)) throw new HttpError('HTTP_UNREACHABLE', 'not a URL', { where: request.url });
  const body = typeof request.body === 'function' ? request.body() : request.body;
  try {
    const { origin, pathname, search } = new URL(request.url);
    const answer = await dispatcher.request({
      origin,
      path: `${pathname}${search}`,
      method: request.method ?? 'GET',
      headers: request.headers,
      body:
        body === undefined
          ? null
          : typeof body === 'string' || body instanceof Uint8Array
            ? body
            : Readable.from(body, { objectMode: false }),
      signal: request.signal ?? null,
      bodyTimeout: request.idleMilliseconds ?? 60_000,
    });
    return {
      status: answer.statusCode,
      headers: toHeaders(answer.headers),
      url: redact(request.url),
      body: answer.body,
    };
  } catch (error) {
    if (request.signal?.aborted) throw request.signal.reason;
    if (error instanceof OakumError) throw error;
    throw new HttpError('HTTP_UNREACHABLE', `no answer: ${messageOf(error)}`, {
      where: request.url,
      cause: error,
      hint: 'Check the address, the network and, behind a proxy, HTTPS_PROXY and NO_PROXY.',
    });
  }
}

/** The first `Headers` of a process loads Node's own HTTP client: too much for one method. */
function toHeaders(raw: Record<string, string | string[] | undefined>): HttpHeaders {
  return {
    get: (name) => {
      const key = name.toLowerCase();
      const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
  };
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie)$/i.test(name)));
}

function retryAfter(value: string | null, clock: Clock): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.now().getTime());
}

function backoff(attempt: number): number {
  return 250 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
}
