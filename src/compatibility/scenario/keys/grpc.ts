// SPDX-License-Identifier: Apache-2.0
import {
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { KeyPair } from '../../certificates.ts';
import { closeServer, listenLocally, type RunningServer } from '../servers/https.ts';
import { type Message, readMessage } from './protobuf.ts';

/** A call that is refused: a status of https://grpc.io/docs/guides/status-codes/ and why. */
export class GrpcRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Answers the calls of one method. Throws {@link GrpcRefusal}; what else is thrown is INTERNAL. */
export type GrpcMethod = (message: Message, headers: IncomingHttpHeaders) => Buffer;

const MAX_MESSAGE = 1 << 20;
const FRAME = 5;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;

/** Starts a gRPC server of unary methods, by path, over TLS on a free port of 127.0.0.1 (grpc/doc/PROTOCOL-HTTP2.md; no compression). */
export async function startGrpc(
  identity: KeyPair,
  methods: Readonly<Record<string, GrpcMethod>>,
): Promise<RunningServer> {
  const server = createSecureServer({ key: identity.key, cert: identity.certificate });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    void serve(stream, headers, methods[String(headers[':path'])]);
  });
  const host = await listenLocally(server);
  return {
    host,
    stop: () =>
      closeServer(server, () => {
        for (const session of sessions) session.destroy();
      }),
  };
}

async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, method?: GrpcMethod): Promise<void> {
  try {
    const message = readMessage(await readFrame(stream));
    if (method === undefined) throw new GrpcRefusal(UNIMPLEMENTED, 'no such method');
    const answer = method(message, headers);
    const frame = Buffer.alloc(FRAME);
    frame.writeUInt32BE(answer.length, 1);
    finish(stream, { status: 0 }, Buffer.concat([frame, answer]));
  } catch (error) {
    const status = error instanceof GrpcRefusal ? error.status : INTERNAL;
    finish(stream, { status, message: error instanceof Error ? error.message : String(error) });
  }
}

async function readFrame(stream: ServerHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_MESSAGE) throw new RangeError(`a message of more than ${MAX_MESSAGE} bytes`);
    parts.push(part);
  }
  const frame = Buffer.concat(parts);
  const isWhole = frame.length >= FRAME && frame[0] === 0 && frame.readUInt32BE(1) === frame.length - FRAME;
  if (!isWhole) throw new RangeError('not one uncompressed message');
  return frame.subarray(FRAME);
}

/** Status and message come in trailers, after the answer or alone. */
function finish(stream: ServerHttp2Stream, end: { status: number; message?: string }, answer?: Buffer): void {
  if (stream.destroyed) return;
  stream.on('wantTrailers', () => {
    const message = end.message === undefined ? {} : { 'grpc-message': encodeURIComponent(end.message) };
    stream.sendTrailers({ 'grpc-status': String(end.status), ...message });
  });
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
  stream.end(answer);
}
