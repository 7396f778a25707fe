// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import type { RunningServer } from '../scenario/servers/https.ts';
import { readClientHello, type TlsCapabilities } from './client-hello.ts';
import { IDENTIFICATION } from './ssh-hybrid.ts';
import { readIdentification, readKexInit, readPacket, type SshCapabilities } from './ssh-packets.ts';
import { startTcp } from './tcp.ts';

/** A server that hears what a client says that it takes, and hangs up. */
export interface Listener<Capabilities> extends RunningServer {
  /** What the first client said. */
  heard(): Capabilities | undefined;
}

/** A fatal alert: handshake_failure (RFC 8446 6.2). */
const REFUSAL = Buffer.from('15030300020228', 'hex');
const MOST = 65_536;

/** Starts a listener for TLS. */
export function listenTls(): Promise<Listener<TlsCapabilities>> {
  return listen(
    () => {},
    (bytes) => readClientHello(bytes),
    (socket) => socket.end(REFUSAL),
  );
}

/** Starts a listener for SSH. */
export function listenSsh(): Promise<Listener<SshCapabilities>> {
  return listen(
    (socket) => socket.write(`${IDENTIFICATION}\r\n`),
    (bytes) => {
      const head = readIdentification(bytes);
      const packet = head === undefined ? undefined : readPacket(head.rest);
      return packet === undefined ? undefined : readKexInit(packet.payload);
    },
    (socket) => socket.end(),
  );
}

async function listen<Capabilities>(
  greet: (socket: Socket) => void,
  read: (bytes: Buffer) => Capabilities | undefined,
  leave: (socket: Socket) => void,
): Promise<Listener<Capabilities>> {
  let heard: Capabilities | undefined;
  const server = await startTcp((socket) => {
    let bytes = Buffer.alloc(0);
    greet(socket);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      try {
        const found = read(bytes);
        if (found === undefined && bytes.length < MOST) return;
        heard ??= found;
        leave(socket);
      } catch {
        socket.destroy(); // it speaks another protocol
      }
    });
  });
  return { ...server, heard: () => heard };
}
