// SPDX-License-Identifier: Apache-2.0
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { closeServer, listenLocally, type RunningServer, serveLocally } from '../scenario/servers/https.ts';

/** Starts a TCP server on a free port of 127.0.0.1; `meet` gets each connection. */
export async function startTcp(meet: (socket: Socket) => void): Promise<RunningServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {}); // a client that goes away
    meet(socket);
  });
  const host = await listenLocally(server);
  return {
    host,
    stop: () =>
      closeServer(server, () => {
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * Takes in a controller's events where notification-controller would, `127.0.0.1:PORT`: a controller that finds nobody there tries again
 * for seconds, and does nothing else meanwhile.
 */
export async function startEventSink(address: string): Promise<RunningServer> {
  const server = createHttpServer((request, response) => {
    request.on('error', () => {}).resume();
    response.writeHead(202).end();
  });
  return serveLocally(server, Number(address.split(':')[1]));
}
