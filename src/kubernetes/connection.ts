// SPDX-License-Identifier: Apache-2.0
import {
  type Clock,
  type HttpResponse,
  isPassingStatus,
  limitedBody,
  type RunProcess,
  readText,
  retryDelay,
} from '#core';
import { type Access, accessTo } from './access.ts';
import { type Answer, toError } from './answer.ts';
import { errnoOf, isUntrusted, toFailure } from './failure.ts';
import type { ClusterTarget } from './kubeconfig.ts';

/** What a connection needs of the world. */
export interface ConnectionOptions {
  readonly clock: Clock;
  readonly run: RunProcess;
  /** The environment that plugins for credentials get. */
  readonly env?: Readonly<Record<string, string>>;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
  readonly userAgent?: string;
  readonly signal?: AbortSignal | undefined;
  /** How long a server that has answered before may be away (restart, overload) until a request fails; 60,000 by default. */
  readonly patienceMilliseconds?: number;
  /** How long one attempt may take; 30,000 by default. */
  readonly attemptMilliseconds?: number;
  /** Told what the API server warns of: deprecated versions, unknown fields. */
  readonly onWarning?: (message: string) => void;
}

/** One request to the API server. `doing` is the verb phrase that errors use: "get Deployment a/b". */
export interface ApiRequest {
  readonly doing: string;
  readonly path: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Whether doing it twice does no harm; true by default. */
  readonly repeatable?: boolean;
  /** Statuses that are no error. */
  readonly accept?: readonly number[];
}

/** A way to the API server of one cluster. */
export interface Connection {
  /** Sends, waiting out what passes by itself; gives the answer if its status is 2xx or accepted, else throws. */
  send(request: ApiRequest): Promise<Answer>;
  /** Opens a stream of lines (a watch, logs): one attempt, ends when the server ends it or `signal` is aborted. */
  lines(request: ApiRequest, signal?: AbortSignal): AsyncGenerator<string, void, undefined>;
}

const MAX_BYTES = 256 << 20;
const NOT_READY = /not yet ready to handle request/;

/** Gives a connection; nothing is sent yet. */
export function openConnection(target: ClusterTarget, options: ConnectionOptions): Connection {
  const access = accessTo(target, options);
  let answered = false;
  const patience = options.patienceMilliseconds ?? 60_000;

  async function send(request: ApiRequest): Promise<Answer> {
    const start = options.clock.now().getTime();
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await attemptOnce(request, access, options);
      if (outcome.kind === 'answer') {
        answered = true;
        if (outcome.answer.status === 401 && !renewed && (await access.renew())) {
          renewed = true;
          continue;
        }
      }
      const isOver = options.clock.now().getTime() - start >= (answered ? patience : 0);
      if (isOver || !passes(outcome, request)) return finish(outcome, request, target);
      await options.clock.sleep(
        Math.min(retryDelay(Math.min(attempt, 4), options.clock, headersOf(outcome)), patience),
        options.signal,
      );
    }
  }

  async function* lines(request: ApiRequest, signal?: AbortSignal): AsyncGenerator<string, void, undefined> {
    const signals = [options.signal, signal].filter((one) => one !== undefined);
    const { http, headers } = await access.get();
    const response = await http(toHttp(target, request, headers, signals));
    if (response.status >= 300) {
      throw toError({ ...response, text: await readText(response, MAX_BYTES), warnings: [] }, request.doing);
    }
    yield* linesOf(response);
  }
  return { send, lines };
}

type Outcome =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly response: HttpResponse }
  | { readonly kind: 'failure'; readonly error: unknown; readonly timedOut: boolean };

function headersOf(outcome: Outcome) {
  return outcome.kind === 'answer' ? outcome.response.headers : undefined;
}

async function attemptOnce(request: ApiRequest, access: Access, options: ConnectionOptions): Promise<Outcome> {
  const { http, headers } = await access.get();
  const timeout = AbortSignal.timeout(options.attemptMilliseconds ?? 30_000);
  const signals = [timeout, ...(options.signal === undefined ? [] : [options.signal])];
  try {
    const response = await http(toHttp(access.target, request, headers, signals));
    const text = await readText(response, MAX_BYTES);
    const warnings = warningsOf(response.headers.get('warning'));
    for (const warning of warnings) options.onWarning?.(warning);
    return { kind: 'answer', answer: { status: response.status, text, url: response.url, warnings }, response };
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    return { kind: 'failure', error, timedOut: timeout.aborted };
  }
}

/** Whether waiting may help: a server that starts, is overloaded or away. A certificate does not mend itself. */
function passes(outcome: Outcome, request: ApiRequest): boolean {
  if (outcome.kind === 'answer') {
    const { status, text } = outcome.answer;
    if (request.accept?.includes(status)) return false;
    if (status === 403) return NOT_READY.test(text); // admission of a server that has just started
    return isPassingStatus(status) && (request.repeatable !== false || status === 429);
  }
  if (isUntrusted(outcome.error)) return false;
  return request.repeatable !== false || errnoOf(outcome.error) === 'ECONNREFUSED'; // what was never sent may be sent again
}

function finish(outcome: Outcome, request: ApiRequest, target: ClusterTarget): Answer {
  if (outcome.kind === 'failure') throw toFailure(outcome.error, outcome.timedOut, request, target);
  const { answer } = outcome;
  if (answer.status < 300 || request.accept?.includes(answer.status)) return answer;
  throw toError(answer, request.doing);
}

function toHttp(
  target: ClusterTarget,
  request: ApiRequest,
  headers: Readonly<Record<string, string>>,
  signals: AbortSignal[],
) {
  const url = new URL(`${target.server}${request.path}`);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return {
    url: url.href,
    method: request.method ?? 'GET',
    attempts: 1,
    followRedirects: false,
    idleMilliseconds: 600_000, // a watch may be silent for long; single requests have their own deadline
    headers: {
      accept: 'application/json',
      ...headers,
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    signal: AbortSignal.any(signals),
  } as const;
}

/** `Warning: 299 - "policy/v1beta1 is deprecated", 299 - "..."` (RFC 9111 5.5; Kubernetes uses code 299 alone). */
function warningsOf(header: string | null): readonly string[] {
  return [...(header ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
    (text ?? '').replace(/\\(.)/g, '$1'),
  );
}

async function* linesOf(response: HttpResponse): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of limitedBody(response, Number.MAX_SAFE_INTEGER)) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
