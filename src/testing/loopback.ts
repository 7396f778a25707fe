// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request to a loopback server, its body read. */
export interface LoopbackRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** An answer. */
export interface LoopbackAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | object;
}

/** A server on a free port of 127.0.0.1. */
export interface Loopback {
  readonly url: string;
  /** Each request, in order. */
  readonly requests: readonly LoopbackRequest[];
  /** The next `times` requests (1 by default) get this answer instead. */
  answerNext(answer: LoopbackAnswer, times?: number): void;
  stop(): Promise<void>;
}

/** Starts a server that answers as `handle` says: objects as JSON; 500 with the message of what it throws. */
export async function startLoopback(
  handle: (request: LoopbackRequest) => LoopbackAnswer | Promise<LoopbackAnswer>,
): Promise<Loopback> {
  const requests: LoopbackRequest[] = [];
  const instead: LoopbackAnswer[] = [];
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const request = await readRequest(incoming);
      requests.push(request);
      const { status, headers = {}, body = '' } = instead.shift() ?? (await attempt(() => handle(request)));
      const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
      outgoing.writeHead(status, isRaw ? headers : { 'content-type': 'application/json', ...headers });
      outgoing.end(isRaw ? body : JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answerNext: (answer, times = 1) => void instead.push(...Array.from({ length: times }, () => answer)),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readRequest(request: IncomingMessage): Promise<LoopbackRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? '',
    path: request.url ?? '/',
    headers: request.headers,
    body: Buffer.concat(chunks),
  };
}

async function attempt(handle: () => LoopbackAnswer | Promise<LoopbackAnswer>): Promise<LoopbackAnswer> {
  try {
    return await handle();
  } catch (error) {
    return { status: 500, body: { code: 13, message: error instanceof Error ? error.message : String(error) } };
  }
}
