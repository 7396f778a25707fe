// SPDX-License-Identifier: Apache-2.0
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { messageOf } from '#core';
import type { ServerIdentity } from './authority.ts';

/** A server of the scenario on a free port of 127.0.0.1. */
export interface RunningServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Closes it, with its connections. */
  stop(): Promise<void>;
}

/** A user that a server lets in. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Answers one request; what it throws becomes a 500 with the message. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** What a server may do other than as usual: what its TLS offers, and who watches it. */
export interface HttpsOptions {
  readonly tls?: ServerOptions;
  readonly watch?: (server: Server) => void;
}

/** Starts an HTTPS server on a free port of 127.0.0.1. */
export async function startHttps(
  identity: Pick<ServerIdentity, 'key' | 'certificate'>,
  handle: Handler,
  { tls, watch }: HttpsOptions = {},
): Promise<RunningServer> {
  const server = createServer({ ...tls, key: identity.key, cert: identity.certificate }, (request, response) => {
    // A client that goes away is no trouble of the server's.
    for (const stream of [request, response]) stream.on('error', () => {});
    void answer(handle, request, response);
  });
  watch?.(server);
  return serveLocally(server);
}

/** Has an HTTP server listen as {@link listenLocally} does; stopping it closes its connections too. Throws where its port is taken. */
export async function serveLocally(server: HttpServer | Server, port = 0): Promise<RunningServer> {
  const host = await listenLocally(server, port);
  return { host, stop: () => closeServer(server, () => server.closeAllConnections()) };
}

/** Stops a server: it takes nothing new, `closeOpen` closes what is open, and when that is gone it is over. */
export function closeServer(server: { close(done: () => void): unknown }, closeOpen: () => void): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    closeOpen();
  });
}

/** Has a server listen on a free port of 127.0.0.1, or on the one that is named; gives `127.0.0.1:PORT`. Throws where that is taken. */
export async function listenLocally(server: NetServer, port = 0): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answer(handle: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await handle(request, response);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end(messageOf(error));
  }
}

/** Says whether a request brings this user by Basic authentication (RFC 7617); otherwise answers 401, which asks for it. */
export function isLoggedIn(request: IncomingMessage, response: ServerResponse, login: Login): boolean {
  const wanted = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  if (request.headers.authorization === `Basic ${wanted}`) return true;
  request.resume();
  response.writeHead(401, { 'www-authenticate': 'Basic realm="oakum scenario"' }).end('who are you?');
  return false;
}

/** Reads a request's body. Throws RangeError past `most` bytes. */
export async function readRequest(request: IncomingMessage, most = 1 << 20): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > most) throw new RangeError(`a request of more than ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
