// SPDX-License-Identifier: Apache-2.0
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import * as fc from 'fast-check';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunningServer } from '../scenario/servers/https.ts';
import { readClientHello } from './client-hello.ts';
import { listenSsh, listenTls } from './listeners.ts';
import { startTcp } from './tcp.ts';

const started: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function keep<Server extends RunningServer>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  started.push(server);
  return server;
}

const portOf = ({ host }: RunningServer) => Number(host.split(':')[1]);

/** Makes a TLS client speak to a port; gives why it was left. */
function greet(port: number): Promise<string> {
  return new Promise((resolve) => {
    connect({
      host: '127.0.0.1',
      port,
      minVersion: 'TLSv1.2',
      ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-SHA256:@SECLEVEL=0',
      ecdhCurve: 'P-384:X25519:SecP384r1MLKEM1024',
      sigalgs: 'ECDSA+SHA256:RSA+SHA1',
    }).once('error', ({ message }) => resolve(message));
  });
}

describe('the listener for TLS', () => {
  it('hears what a client says that it takes, in its order, and refuses it', async () => {
    const listener = await keep(listenTls());
    expect(listener.heard()).toBeUndefined();
    expect(await greet(portOf(listener))).toMatch(/alert handshake failure/);
    expect(listener.heard()).toEqual({
      versions: ['TLS 1.3', 'TLS 1.2'],
      cipherSuites: ['TLS_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256'],
      keyExchanges: ['P-384', 'X25519', 'SecP384r1MLKEM1024'],
      signatures: ['ecdsa_secp256r1_sha256', 'rsa_pkcs1_sha1'],
      certificateSignatures: [],
    });
  });

  it('hangs up on what is no TLS', async () => {
    const listener = await keep(listenTls());
    const socket = connectTcp(portOf(listener), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(listener.heard()).toBeUndefined();
  });
});

describe('the reader of a ClientHello', () => {
  async function realHello(): Promise<Buffer> {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const server = await keep(
      startTcp((socket) => void socket.once('data', (bytes: Buffer) => (resolve(bytes), socket.destroy()))),
    );
    await greet(portOf(server));
    return promise;
  }

  it('waits for more of one that is cut short, wherever', async () => {
    const hello = await realHello();
    expect(readClientHello(hello)?.versions).toEqual(['TLS 1.3', 'TLS 1.2']);
    for (let end = 0; end < hello.length; end += 1) expect(readClientHello(hello.subarray(0, end))).toBeUndefined();
  });

  it('throws nothing but RangeError, whatever comes', async () => {
    const hello = await realHello();
    const spoiled = fc.tuple(fc.nat(hello.length - 1), fc.nat(255)).map(([at, value]) => {
      const bytes = Buffer.from(hello);
      bytes[at] = value;
      return bytes;
    });
    const anything = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from([22, 3, 1, 1, 0, 1, ...bytes]));
    fc.assert(
      fc.property(fc.oneof(spoiled, anything), (bytes) => {
        try {
          readClientHello(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('the listener for SSH', () => {
  it('hears what a client says that it takes', async () => {
    const listener = await keep(listenSsh());
    const client = new ssh2.Client();
    const left = new Promise<void>((resolve) => client.on('error', () => resolve()).on('close', () => resolve()));
    client.connect({
      host: '127.0.0.1',
      port: portOf(listener),
      username: 'git',
      algorithms: {
        kex: ['ecdh-sha2-nistp384'],
        serverHostKey: ['ssh-ed25519', 'ssh-rsa'],
        cipher: ['aes256-ctr'],
        hmac: ['hmac-sha2-512'],
      },
    });
    await left;
    expect(listener.heard()).toEqual({
      keyExchanges: ['ecdh-sha2-nistp384', 'ext-info-c', 'kex-strict-c-v00@openssh.com'],
      hostKeys: ['ssh-ed25519', 'ssh-rsa'],
      ciphers: ['aes256-ctr'],
      macs: ['hmac-sha2-512'],
    });
  });
});
