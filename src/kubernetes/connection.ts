// SPDX-License-Identifier: Apache-2.0
import {
  type Clock,
  createHttp,
  type Http,
  HttpError,
  type HttpResponse,
  isPassingStatus,
  limitedBody,
  messageOf,
  type RunProcess,
  readText,
  retryDelay,
} from '#core';
import { type Answer, toError } from './answer.ts';
import { type Credential, readCredential } from './credential.ts';
import { KubernetesError } from './error.ts';
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

function toFailure(error: unknown, timedOut: boolean, { doing }: ApiRequest, target: ClusterTarget): KubernetesError {
  const where = `${target.server} (context ${target.context})`;
  if (timedOut) {
    return new KubernetesError('CLUSTER_TIMED_OUT', `could not ${doing}: the API server did not answer in time`, {
      where,
      cause: error,
      hint: 'See whether the cluster is well (`kubectl get --raw /readyz?verbose`), then run again.',
    });
  }
  if (isUntrusted(error)) {
    return new KubernetesError(
      'CLUSTER_UNTRUSTED',
      `could not ${doing}: the API server's certificate is not trusted (${reasonOf(error)})`,
      {
        where,
        cause: error,
        hint: 'Is this the right cluster? The kubeconfig names whom to trust: certificate-authority-data, tls-server-name.',
      },
    );
  }
  return new KubernetesError(
    'CLUSTER_UNREACHABLE',
    `could not ${doing}: the API server can't be reached (${reasonOf(error)})`,
    {
      where,
      cause: error,
      hint: 'Is it running, is the address right, does a VPN or proxy lie between? Choose another with --context.',
    },
  );
}

function causeOf(error: unknown): unknown {
  const cause = error instanceof HttpError ? error.cause : error;
  return cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
}

/** Node's advice on its own flags helps nobody who runs Oakum. */
function reasonOf(error: unknown): string {
  return messageOf(causeOf(error)).replace(/; if the root CA is installed locally.*$/, '');
}

function errnoOf(error: unknown): string | undefined {
  const { code } = (causeOf(error) ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function isUntrusted(error: unknown): boolean {
  return /CERT|UNABLE_TO_|SELF_SIGNED|ERR_TLS|ERR_SSL/.test(errnoOf(error) ?? '');
}

interface Access {
  readonly target: ClusterTarget;
  get(): Promise<{ readonly http: Http; readonly headers: Readonly<Record<string, string>> }>;
  /** Asks for the credential anew; false where that gives the same. */
  renew(): Promise<boolean>;
}

/** The credential is read for the first request, again before it expires, and when the server no longer takes it. */
function accessTo(target: ClusterTarget, options: ConnectionOptions): Access {
  let ready: Promise<{ credential: Credential; http: Http }> | undefined;
  const open = async () => {
    const credential = await readCredential(target, {
      run: options.run,
      env: options.env ?? {},
      signal: options.signal,
    });
    return { credential, http: createHttp(httpOptions(target, credential, options)) };
  };
  const isOver = ({ expires }: Credential) =>
    expires !== undefined && expires.getTime() - options.clock.now().getTime() < 10_000;
  return {
    target,
    get: async () => {
      ready ??= open();
      let { credential, http } = await ready;
      if (isOver(credential)) {
        ready = open();
        ({ credential, http } = await ready);
      }
      return { http, headers: credential.headers };
    },
    renew: async () => {
      const { credential } = (await ready) ?? {};
      if (!credential?.renewable) return false;
      ready = open();
      await ready;
      return true;
    },
  };
}

function httpOptions(target: ClusterTarget, credential: Credential, options: ConnectionOptions) {
  const { hostname } = new URL(target.server);
  const isLocal = /^(localhost|127\..*|\[::1\])$/.test(hostname);
  const proxy = target.proxy ?? (isLocal ? undefined : options.httpsProxy);
  if (proxy !== undefined && !/^https?:/.test(proxy)) {
    throw new KubernetesError('KUBECONFIG_INVALID', `proxies of this kind are not supported: ${proxy}`, {
      where: target.server,
      hint: 'Use an HTTP proxy in proxy-url, or open the tunnel yourself.',
    });
  }
  return {
    clock: options.clock,
    ...(options.userAgent === undefined ? {} : { userAgent: options.userAgent }),
    ...(proxy === undefined
      ? {}
      : { httpProxy: proxy, httpsProxy: proxy, noProxy: target.proxy === undefined ? (options.noProxy ?? '') : '' }),
    tls: {
      authorities: target.ca,
      certificate: credential.certificate,
      key: credential.key,
      serverName: target.serverName,
      insecure: target.insecure,
    },
  };
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
