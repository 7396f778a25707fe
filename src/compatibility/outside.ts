// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '#core';
import { type Authority, createAuthority } from './certificates.ts';
import { serveLocally } from './scenario/servers/https.ts';

/** What a controller that must reach cloud services finds instead of them: a proxy, and an authority that it is told to trust. */
export interface Outside {
  /** Issues certificates for names of the outside world. */
  readonly authority: Authority;
  /** `http://127.0.0.1:PORT`: the proxy (RFC 9110, section 9.3.6, CONNECT), which leads nowhere but where {@link lead} says. */
  readonly proxy: string;
  /** Has connections to a place, `vault.example.com:443`, made to an address of this machine. */
  lead(place: string, address: string): void;
  /** Closes the proxy, with its connections. */
  stop(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1, and makes an authority. */
export async function startOutside(clock: Clock): Promise<Outside> {
  const places = new Map<string, string>();
  const open = new Set<Duplex>();
  const server = createServer((_request, response) => void response.writeHead(405).end());
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    const address = places.get(request.url ?? '');
    client.on('error', () => {}); // a client that goes away is no trouble
    if (address === undefined) {
      client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    open.add(client);
    client.on('close', () => open.delete(client));
    join(client, address);
  });
  const running = await serveLocally(server);
  return {
    authority: createAuthority('Oakum outside', clock),
    proxy: `http://${running.host}`,
    lead: (place, address) => void places.set(place, address),
    async stop() {
      for (const client of open) client.destroy();
      await running.stop();
    },
  };
}

function join(client: Duplex, address: string): void {
  const { hostname, port } = new URL(`tcp://${address}`);
  const peer = connect(Number(port), hostname, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    client.pipe(peer).pipe(client);
  });
  peer.on('error', () => client.destroy());
  client.on('close', () => peer.destroy());
}
