// SPDX-License-Identifier: Apache-2.0
import { type Clock, discard, type Http, type HttpRequest, type HttpResponse, readBody } from '#core';
import { ImageError } from '../error.ts';
import { type Authorizer, createAuthorizer, type Scope } from './authorizer.ts';
import type { CredentialSource } from './credentials.ts';
import { isPlainAnswer, isTlsFault, toRefusal } from './failure.ts';
import { ATTEMPTS, type Patience, sendPatiently } from './patience.ts';

/** What a registry is spoken to with. `plainHttp`: `loopback` (default) speaks plain HTTP to this machine only, `true` to any host. */
export interface TransportOptions {
  readonly http: Http;
  readonly clock: Clock;
  readonly credentials: CredentialSource;
  readonly plainHttp?: 'loopback' | true;
  readonly signal?: AbortSignal;
}

/** One request below `/v2/REPOSITORY/`, or at an absolute address that the registry gave out. */
export interface RegistryRequest {
  readonly repository: string;
  readonly to: string | URL;
  readonly method?: HttpRequest['method'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest['body'];
  readonly scopes: readonly Scope[];
  /** How often to try in all; 1 for a body whose transfer is resumed rather than repeated. */
  readonly attempts?: number;
  /** Tries that failed before, for the message. */
  readonly earlier?: number;
}

/** Speaks to one registry: address, rights, patience. */
export interface Transport extends Patience {
  readonly registry: string;
  /** Sends and gives any answer, after a 401 was answered where it could be. Throws an ImageError when no answer came. */
  send(request: RegistryRequest): Promise<HttpResponse>;
  /** As {@link Transport.send}, but gives only answers of these statuses and throws what the others mean. */
  call(request: RegistryRequest, statuses: readonly number[]): Promise<HttpResponse>;
  /** Takes an unwanted answer; gives the error to throw. */
  refusal(request: RegistryRequest, response: HttpResponse): Promise<ImageError>;
  /** Takes a Location or Link target; gives its address, checked: never from HTTPS to HTTP. */
  resolve(target: string, base: string | URL): Promise<URL>;
}

// Docker's own registry is named by its site, and served by another host.
const HUB = 'docker.io';
const ALIASES: Readonly<Record<string, string>> = { [HUB]: `registry-1.${HUB}` };

/** What is known of a registry once it was first spoken to. */
interface Connection extends Patience {
  readonly registry: string;
  readonly origin: string;
  readonly authorizer: Authorizer;
}

/** Gives the {@link Transport} to a registry (`HOST[:PORT]`). Nothing is sent before the first request. */
export function createTransport(registry: string, options: TransportOptions): Transport {
  const { http, clock, credentials } = options;
  const patience: Patience = { http, clock, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  let ready: Promise<Connection> | undefined;
  const connect = () => {
    ready ??= findOrigin(registry, options).then((origin) => {
      const authorizer = createAuthorizer({ ...patience, credentials, registry, origin });
      return { ...patience, registry, origin, authorizer };
    });
    return ready;
  };
  return {
    ...patience,
    registry,
    send: async (request) => send(await connect(), request),
    refusal: async (request, response) => toError(await connect(), request, response),
    async call(request, statuses) {
      const connection = await connect();
      const response = await send(connection, request);
      if (statuses.includes(response.status)) return response;
      throw await toError(connection, request, response);
    },
    async resolve(target, base) {
      const { origin } = await connect();
      const root = typeof base === 'string' ? `${origin}/v2/${base}/` : base.href;
      return resolveTarget(target, { registry, origin, base: root });
    },
  };
}

async function send(connection: Connection, request: RegistryRequest): Promise<HttpResponse> {
  const { registry, origin, authorizer } = connection;
  const url = typeof request.to === 'string' ? new URL(`${origin}/v2/${request.repository}/${request.to}`) : request.to;
  const attempt = async (authorization: string | undefined) =>
    sendPatiently(
      connection,
      {
        url: url.href,
        method: request.method ?? 'GET',
        headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
        ...(request.body === undefined ? {} : { body: request.body }),
      },
      { registry, attempts: request.attempts ?? ATTEMPTS, earlier: request.earlier ?? 0 },
    );
  // A registry may send uploads elsewhere (a storage service): our credentials stay here.
  if (url.origin !== origin) return attempt(undefined);
  const sent = await authorizer.header(request.scopes);
  const response = await attempt(sent);
  if (response.status !== 401) return response;
  const better = await authorizer.answer(response, request.scopes, sent);
  if (better === undefined) return response;
  await discard(response);
  return attempt(better);
}

async function toError(connection: Connection, request: RegistryRequest, response: HttpResponse): Promise<ImageError> {
  const { registry, authorizer } = connection;
  const error = await toRefusal(response, {
    registry,
    repository: request.repository,
    verb: request.scopes[0]?.actions === 'pull' ? 'pull from' : 'push to',
    attempts: (request.earlier ?? 0) + (request.attempts ?? ATTEMPTS),
    credentialsFrom: authorizer.credentialsFrom(request.scopes[0]?.repository ?? request.repository),
  });
  const isStrange = error.code === 'REGISTRY_REFUSED' && [404, 405, 200].includes(response.status);
  return isStrange && !(await isRegistry(connection)) ? notRegistry(registry) : error;
}

function resolveTarget(
  target: string,
  { registry, origin, base }: { readonly registry: string; readonly origin: string; readonly base: string },
): URL {
  if (!URL.canParse(target, base)) throw notRegistry(registry);
  const url = new URL(target, base);
  if (url.protocol === 'https:' || origin.startsWith('http:')) return url;
  // A registry behind a proxy that ends TLS often believes that it is spoken to in plain HTTP.
  if (url.hostname === new URL(origin).hostname) return new URL(`${origin}${url.pathname}${url.search}`);
  throw new ImageError('REGISTRY_REFUSED', `${registry} sends to ${url.protocol}//${url.host}, without TLS`, {
    where: registry,
    hint: 'Nothing is sent there. Ask the operator of the registry to correct the addresses it gives out.',
  });
}

/** Says whether a host (without its port) is this machine by its own spelling; names are not looked up. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** A registry on this machine may have TLS or not: it is asked. Any other has it, unless plain HTTP was asked for by name. */
async function findOrigin(registry: string, options: TransportOptions): Promise<string> {
  const host = ALIASES[registry] ?? registry;
  if (options.plainHttp === true) return `http://${host}`;
  if (!isLoopback(host)) return `https://${host}`;
  const probe = (scheme: string) =>
    options.http({
      url: `${scheme}://${host}/v2/`,
      attempts: 1,
      followRedirects: false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  try {
    const response = await probe('http');
    // Go and nginx answer 400 and say so when plain HTTP comes to their TLS port.
    if (response.status !== 400) await discard(response);
    else if (/https/i.test((await readBody(response, 65_536)).toString('latin1'))) return `https://${host}`;
    return `http://${host}`;
  } catch {
    // Others drop the connection; whether that is TLS or trouble, the same question over TLS tells.
    return probe('https').then(
      async (response) => {
        await discard(response);
        return `https://${host}`;
      },
      (error: unknown) => (isTlsFault(error) && !isPlainAnswer(error) ? `https://${host}` : `http://${host}`),
    );
  }
}

/** distribution-spec 1.1, "Determining Support": `/v2/` answers 200, or 401 where it wants credentials. */
async function isRegistry(connection: Connection): Promise<boolean> {
  const { origin, registry } = connection;
  const response = await sendPatiently(connection, { url: `${origin}/v2/` }, { registry });
  await discard(response);
  return response.status === 200 || response.status === 401;
}

function notRegistry(registry: string): ImageError {
  return new ImageError('REGISTRY_NOT_OCI', `${registry} answers, but not as an OCI registry`, {
    where: registry,
    hint: 'Check host and port: below /v2/ a registry must answer as the OCI distribution specification says.',
  });
}
