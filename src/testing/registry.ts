// SPDX-License-Identifier: Apache-2.0
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type AccessOptions, createAccess, type TokenRequest } from './registry-access.ts';

/** What goes wrong, for the next `times` requests (1 by default) whose `METHOD /path` matches. */
export type RegistryFault = { readonly when: RegExp; readonly times?: number } & (
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfter?: number;
      readonly code?: string;
      readonly message?: string;
      /** A body that is no registry's, such as a proxy's error page. */
      readonly body?: string;
    }
  /** The connection breaks once so many bytes (0 by default) of a body have passed, up or down. */
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  /** The request is carried out, then the connection breaks. */
  | { readonly kind: 'lose-answer' }
  /** The answer is right in form, its bytes are not. */
  | { readonly kind: 'wrong-bytes' }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  /** After so many requests that match (0 by default) it is dead to all, until `revive`. */
  | { readonly kind: 'die'; readonly after?: number }
);

/** How a test registry behaves; all abilities of distribution-spec 1.1 are on by default, as in a good one. */
export interface TestRegistryOptions extends AccessOptions {
  readonly referrers?: boolean;
  readonly mount?: boolean;
  /** Answers Range requests for blobs. */
  readonly ranges?: boolean;
  /** Keeps what an interrupted upload brought, and tells where it stands. */
  readonly resume?: boolean;
  /** Takes blobs by PATCH only: a PUT with a body is refused. */
  readonly chunkedOnly?: boolean;
  /** The most bytes of a request's body; more is answered with 413. */
  readonly maxBodyBytes?: number;
  /** Announced as OCI-Chunk-Min-Length. */
  readonly minChunkBytes?: number;
  /** Tags a page. */
  readonly pageSize?: number;
  readonly tls?: { readonly key: string; readonly certificate: string };
}

/** A registry in memory, on a free port of 127.0.0.1. It checks digests, and that a manifest's content is there before it. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`, or `localhost:PORT` with TLS. */
  readonly host: string;
  /** Each request as `METHOD /path?query`, in order. */
  readonly requests: string[];
  readonly tokenRequests: readonly TokenRequest[];
  /** Bytes of blob uploads that arrived. */
  readonly received: () => number;
  fail(fault: RegistryFault): void;
  /** Ends a death. */
  revive(): void;
  revokeTokens(): void;
  blobs(repository: string): readonly string[];
  stop(): Promise<void>;
}

interface Repository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, { readonly bytes: Buffer; readonly type: string }>;
  readonly tags: Map<string, string>;
}

class Broken extends Error {}

/** Starts a {@link TestRegistry}; the caller stops it. */
export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const repositories = new Map<string, Repository>();
  const uploads = new Map<string, Buffer>();
  const faults: { fault: RegistryFault; left: number; skipped: number }[] = [];
  const requests: string[] = [];
  const access = createAccess(options);
  const scheme = options.tls === undefined ? 'http' : 'https';
  let received = 0;
  let host = '';
  let isDead = false;

  const handle: RequestListener = (request, response) => {
    const line = `${request.method} ${request.url}`;
    requests.push(line);
    const hit = faults.find((one) => one.left > 0 && one.fault.when.test(line) && (one.skipped -= 1) < 0);
    if (hit !== undefined) hit.left -= 1;
    const { socket } = request; // a request that is destroyed forgets it
    isDead ||= hit?.fault.kind === 'die';
    if (isDead) socket.destroy();
    else serve(request, response, hit?.fault).catch(() => socket.destroy());
  };

  async function serve(request: IncomingMessage, response: ServerResponse, fault: RegistryFault | undefined) {
    const url = new URL(request.url ?? '/', `${scheme}://${host}`);
    if (fault?.kind === 'wait') await delay(fault.milliseconds);
    if (fault?.kind === 'status') {
      request.resume();
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
      if (fault.body !== undefined)
        return void response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.body);
      return refuse(response, fault.status, fault.code ?? 'UNKNOWN', fault.message);
    }
    if (url.pathname === '/token') {
      const answer = access.token(request, (await collect(request, undefined)).toString());
      json(response, answer.status, answer.body);
      return;
    }
    const path = /^\/v2\/(?:(.+)\/(blobs|manifests|tags|referrers)\/(.*))?$/.exec(url.pathname);
    if (path === null) return void response.writeHead(404).end('no such page');
    const [, name = '', kind, rest = ''] = path;
    const action = /^(GET|HEAD)$/.test(request.method ?? '') ? 'pull' : 'push';
    const judgement = access.judge(request, name, action, `${scheme}://${host}/token`);
    if (judgement.status !== 200) {
      request.resume();
      if (judgement.challenge !== undefined) response.setHeader('www-authenticate', judgement.challenge);
      return refuse(response, judgement.status, judgement.status === 401 ? 'UNAUTHORIZED' : 'DENIED');
    }
    const context: Context = { request, response, url, name, rest, fault };
    if (kind === undefined) return json(response, 200, {});
    if (kind === 'manifests') return manifests(context);
    if (kind === 'tags') return tags(context);
    if (kind === 'referrers') return referrers(context);
    return rest.startsWith('uploads/') ? upload(context) : blob(context);
  }

  interface Context {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly url: URL;
    readonly name: string;
    readonly rest: string;
    readonly fault: RegistryFault | undefined;
  }

  function repository(name: string): Repository {
    const known = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    repositories.set(name, known);
    return known;
  }

  function blob({ request, response, name, rest, fault }: Context): void {
    const bytes = repositories.get(name)?.blobs.get(rest);
    if (bytes === undefined) return refuse(response, 404, 'BLOB_UNKNOWN');
    response.setHeader('docker-content-digest', rest);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const isPart = range !== null && options.ranges !== false;
    const start = isPart ? Number(range[1]) : 0;
    if (isPart && start >= bytes.length) return refuse(response, 416, 'RANGE_INVALID');
    if (isPart) response.setHeader('content-range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`);
    const part = bytes.subarray(start);
    response.writeHead(isPart ? 206 : 200, { 'content-length': part.length });
    if (request.method === 'HEAD') return void response.end();
    send(response, part, fault);
  }

  async function upload(context: Context): Promise<void> {
    const { request, response, url, name, rest, fault } = context;
    const query = url.searchParams;
    const id = rest.slice('uploads/'.length);
    if (request.method === 'POST') return start(context);
    const held = uploads.get(id);
    if (held === undefined || (request.method === 'GET' && options.resume === false)) {
      request.resume();
      return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN');
    }
    if (request.method === 'GET') return accepted(response, 204, name, id);
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > (options.maxBodyBytes ?? Number.POSITIVE_INFINITY)) {
      response.setHeader('connection', 'close');
      return refuse(response, 413, 'SIZE_INVALID', 'the request is too large');
    }
    if (request.method === 'PUT' && length > 0 && options.chunkedOnly === true) {
      request.resume();
      return refuse(response, 400, 'BLOB_UPLOAD_INVALID', 'send pieces');
    }
    const from = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
    if (from !== undefined && Number(from) !== held.length) {
      request.resume();
      response.setHeader('range', `0-${held.length - 1}`);
      return refuse(response, 416, 'BLOB_UPLOAD_INVALID');
    }
    const whole = Buffer.concat([
      held,
      await collect(request, fault, (part) => {
        received += part.length;
        uploads.set(id, Buffer.concat([uploads.get(id) ?? held, part]));
      }),
    ]);
    if (request.method === 'PATCH') return accepted(response, 202, name, id);
    uploads.delete(id);
    const digest = query.get('digest') ?? '';
    if (digestOf(whole) !== digest) return refuse(response, 400, 'DIGEST_INVALID', 'the digest does not match');
    repository(name).blobs.set(digest, whole);
    if (fault?.kind === 'lose-answer') throw new Broken();
    response.writeHead(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }).end();
  }

  function start({ request, response, url, name }: Context): void {
    request.resume();
    const digest = url.searchParams.get('mount') ?? '';
    const source = repositories.get(url.searchParams.get('from') ?? '')?.blobs.get(digest);
    const mayPull = access.judge(request, url.searchParams.get('from') ?? '', 'pull', '').status === 200;
    if (source !== undefined && mayPull && options.mount !== false) {
      repository(name).blobs.set(digest, source);
      return void response.writeHead(201, { location: `/v2/${name}/blobs/${digest}` }).end();
    }
    const id = randomUUID();
    uploads.set(id, Buffer.alloc(0));
    if (options.minChunkBytes !== undefined) response.setHeader('oci-chunk-min-length', options.minChunkBytes);
    accepted(response, 202, name, id);
  }

  function accepted(response: ServerResponse, status: number, name: string, id: string): void {
    const length = uploads.get(id)?.length ?? 0;
    const location = `/v2/${name}/blobs/uploads/${id}?_state=${encodeURIComponent(`at ${length}`)}`;
    response.writeHead(status, { location, range: `0-${Math.max(length - 1, 0)}` }).end();
  }

  async function manifests(context: Context): Promise<void> {
    const { request, response, name, rest, fault } = context;
    const held = repositories.get(name);
    if (request.method === 'PUT') return putManifest(context, await collect(request, fault));
    if (held === undefined) return refuse(response, 404, 'NAME_UNKNOWN');
    const digest = held.tags.get(rest) ?? rest;
    const manifest = held.manifests.get(digest);
    if (manifest === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN');
    response.writeHead(200, {
      'content-type': manifest.type,
      'content-length': manifest.bytes.length,
      'docker-content-digest': digest,
    });
    if (request.method === 'HEAD') return void response.end();
    send(response, manifest.bytes, fault);
  }

  function putManifest({ request, response, name, rest }: Context, bytes: Buffer): void {
    const digest = digestOf(bytes);
    const held = repository(name);
    if (rest.startsWith('sha256:') && rest !== digest) return refuse(response, 400, 'DIGEST_INVALID');
    const value = JSON.parse(bytes.toString()) as ManifestValue;
    const missing = [
      ...[value.config, ...(value.layers ?? [])].filter((one) => one !== undefined && !held.blobs.has(one.digest)),
      ...(value.manifests ?? []).filter((one) => !held.manifests.has(one.digest)),
    ];
    if (missing.length > 0) return refuse(response, 404, 'MANIFEST_BLOB_UNKNOWN', missing[0]?.digest);
    held.manifests.set(digest, { bytes, type: request.headers['content-type'] ?? '' });
    if (!rest.startsWith('sha256:')) held.tags.set(rest, digest);
    if (value.subject !== undefined && options.referrers !== false)
      response.setHeader('oci-subject', value.subject.digest);
    response.writeHead(201, { 'docker-content-digest': digest, location: `/v2/${name}/manifests/${digest}` }).end();
  }

  function tags({ response, url, name }: Context): void {
    const held = repositories.get(name);
    if (held === undefined) return refuse(response, 404, 'NAME_UNKNOWN', 'repository name not known to registry');
    const all = [...held.tags.keys()].sort();
    const last = url.searchParams.get('last');
    const from = last === null ? 0 : all.indexOf(last) + 1;
    const page = all.slice(from, from + (options.pageSize ?? 1000));
    if (from + page.length < all.length) {
      response.setHeader('link', `</v2/${name}/tags/list?n=${page.length}&last=${page.at(-1)}>; rel="next"`);
    }
    json(response, 200, { name, tags: page });
  }

  function referrers({ response, name, rest }: Context): void {
    if (options.referrers === false) return refuse(response, 404, 'UNSUPPORTED');
    const found = [...(repositories.get(name)?.manifests ?? [])].flatMap(([digest, { bytes, type }]) => {
      const value = JSON.parse(bytes.toString()) as ManifestValue;
      if (value.subject?.digest !== rest) return [];
      return [
        { mediaType: type, digest, size: bytes.length, artifactType: value.artifactType ?? value.config?.mediaType },
      ];
    });
    const type = 'application/vnd.oci.image.index.v1+json';
    response.setHeader('content-type', type);
    response.end(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: found }));
  }

  const { tls } = options;
  const server =
    tls === undefined ? createServer(handle) : createTlsServer({ key: tls.key, cert: tls.certificate }, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `${tls === undefined ? '127.0.0.1' : 'localhost'}:${(server.address() as AddressInfo).port}`;
  return {
    host,
    requests,
    tokenRequests: access.tokenRequests,
    received: () => received,
    fail: (fault) => {
      faults.push({ fault, left: fault.times ?? 1, skipped: fault.kind === 'die' ? (fault.after ?? 0) : 0 });
    },
    revive: () => void (isDead = false),
    revokeTokens: () => access.revoke(),
    blobs: (name) => [...(repositories.get(name)?.blobs.keys() ?? [])],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface ManifestValue {
  readonly artifactType?: string;
  readonly config?: { readonly digest: string; readonly mediaType: string };
  readonly layers?: readonly { readonly digest: string }[];
  readonly manifests?: readonly { readonly digest: string }[];
  readonly subject?: { readonly digest: string };
}

/** Reads a request's body; a `reset` fault breaks the connection in the middle, after `onPart` has seen what came. */
async function collect(
  request: IncomingMessage,
  fault: RegistryFault | undefined,
  onPart: (part: Buffer) => void = () => {},
): Promise<Buffer> {
  const parts: Buffer[] = [];
  const most = fault?.kind === 'reset' ? (fault.afterBytes ?? 0) : undefined;
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    const part = most === undefined ? chunk : chunk.subarray(0, Math.max(most - size, 0));
    parts.push(part);
    size += part.length;
    onPart(part);
    if (most !== undefined && size >= most) throw new Broken();
  }
  return Buffer.concat(parts);
}

function send(response: ServerResponse, bytes: Buffer, fault: RegistryFault | undefined): void {
  if (fault?.kind === 'reset') {
    response.write(bytes.subarray(0, fault.afterBytes ?? 0), () => setTimeout(() => response.socket?.destroy(), 20));
    return;
  }
  if (fault?.kind !== 'wrong-bytes') return void response.end(bytes);
  const wrong = Buffer.from(bytes);
  wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] ?? 0) ^ 1;
  response.end(wrong);
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** distribution-spec 1.1, "Error Codes". */
function refuse(response: ServerResponse, status: number, code: string, message = code.toLowerCase()): void {
  json(response, status, { errors: [{ code, message }] });
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
