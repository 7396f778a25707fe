// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** What goes wrong for paths that match: a status, half of the content and then nothing, or something else instead. */
export type FeedFault = { readonly path: RegExp } & (
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'instead'; readonly body: Uint8Array | string }
);

/** A request as the server saw it. */
export interface FeedRequest {
  readonly path: string;
  readonly status: number;
  readonly authorization: string | undefined;
}

/** A mirror of feeds on a free port of 127.0.0.1. */
export interface FeedServer {
  readonly url: string;
  /** Each request, in order; emptied by the test that counts. */
  readonly requests: FeedRequest[];
  /** Lays a file, with an ETag of its content; a date is sent as Last-Modified instead of the ETag. */
  publish(path: string, content: Uint8Array | string, options?: { readonly modified?: Date }): void;
  withdraw(path: string): void;
  fail(fault: FeedFault): void;
  /** Lets all faults go. */
  heal(): void;
  stop(): Promise<void>;
}

interface Published {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Starts a mirror that holds nothing yet. It answers conditional requests (RFC 9110 13), and packs JSON where that is accepted. */
export async function startFeedServer(): Promise<FeedServer> {
  const files = new Map<string, Published>();
  const requests: FeedRequest[] = [];
  let faults: FeedFault[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    const fault = faults.find((candidate) => candidate.path.test(path));
    const file = files.get(path);
    response.once('close', () => {
      requests.push({ path, status: response.statusCode, authorization: request.headers.authorization });
    });
    if (fault !== undefined) return answerFault(response, fault, file);
    if (file === undefined) return void response.writeHead(404).end('no\n');
    if (isUnchanged(request.headers, file)) return void response.writeHead(304, file.headers).end();
    const packed = path.endsWith('.json') && request.headers['accept-encoding'] === 'gzip';
    const body = packed ? gzipSync(file.content) : file.content;
    response.writeHead(200, { ...file.headers, ...(packed ? { 'content-encoding': 'gzip' } : {}) }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    publish(path, content, { modified } = {}) {
      const bytes = Buffer.from(content);
      const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
      const headers = modified === undefined ? { etag } : { 'last-modified': modified.toUTCString() };
      files.set(path, { content: bytes, headers });
    },
    withdraw: (path) => void files.delete(path),
    fail: (fault) => void faults.push(fault),
    heal: () => void (faults = []),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isUnchanged(headers: IncomingHttpHeaders, file: Published): boolean {
  const etag = headers['if-none-match'];
  const date = headers['if-modified-since'];
  if (etag !== undefined) return etag === file.headers['etag'];
  return date !== undefined && date === file.headers['last-modified'];
}

function answerFault(response: ServerResponse, fault: FeedFault, file: Published | undefined): void {
  if (fault.kind === 'status') response.writeHead(fault.status).end('no\n');
  else if (fault.kind === 'instead') response.writeHead(200).end(fault.body);
  else {
    const content = file?.content ?? Buffer.from('half');
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, Math.floor(content.length / 2)), () => response.destroy());
  }
}
