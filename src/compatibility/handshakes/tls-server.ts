// SPDX-License-Identifier: Apache-2.0
import { connect, type TLSSocket } from 'node:tls';
import { messageOf } from '#core';
import { CompatibilityError } from '../error.ts';
import { type Handler, startHttps } from '../scenario/servers/https.ts';
import { openSight, type OfferServer } from './offer.ts';
import type { TlsIdentities } from './tls-identities.ts';
import type { TlsOffer } from './tls-offers.ts';

/** What the control client takes: all that OpenSSL has. */
const ANYTHING = {
  minVersion: 'TLSv1',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ALL:@SECLEVEL=0',
  ecdhCurve: 'P-256:P-384:P-521:X25519:X448:X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024',
} as const;
const CONTROL_WITHIN = 15_000;

/** Starts an HTTPS server that offers one thing, and notes how handshakes go. Throws `PROGRAM_UNSTARTED` where OpenSSL lacks that thing. */
export async function startTlsOffer(offer: TlsOffer, identities: TlsIdentities, handle: Handler): Promise<OfferServer> {
  const sight = openSight();
  const server = await startHttps(identities.of[offer.certificate], handle, {
    tls: offer.options,
    watch(https) {
      https.on('secureConnection', (socket: TLSSocket) => sight.completed.push(describe(socket)));
      https.on('tlsClientError', (error) => sight.broken.push(reasonOf(error)));
    },
  }).catch((error: unknown) => {
    throw new CompatibilityError('PROGRAM_UNSTARTED', `no server can be started that offers ${offer.name} alone`, {
      where: `OpenSSL ${process.versions.openssl}: ${messageOf(error)}`,
      hint: 'Run Oakum on the Node that comes with it, which has an OpenSSL of 3.5 or newer.',
      cause: error,
    });
  });
  return {
    ...server,
    sight,
    async control() {
      await controlTls(Number(server.host.split(':')[1]), identities.authority, offer);
      sight.completed.length = 0;
      sight.broken.length = 0;
    },
  };
}

function controlTls(port: number, ca: string, { options }: TlsOffer): Promise<void> {
  const { sigalgs } = options;
  return new Promise((resolve, reject) => {
    const client = connect({ host: '127.0.0.1', port, ca, ...ANYTHING, ...(sigalgs === undefined ? {} : { sigalgs }) });
    client.setTimeout(CONTROL_WITHIN, () => client.destroy(new Error('no handshake in time')));
    client.once('error', reject);
    let isSecure = false;
    client.once('secureConnect', () => {
      isSecure = true;
      client.end();
    });
    // Only now has the server seen all of it.
    client.once('close', () => (isSecure ? resolve() : reject(new Error('the server hung up in the handshake'))));
    client.resume();
  });
}

function describe(socket: TLSSocket): string {
  return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
}

/** OpenSSL's code says it in a word: `ERR_SSL_NO_SHARED_CIPHER`. */
function reasonOf(error: Error & { readonly code?: unknown }): string {
  return typeof error.code === 'string' ? error.code : messageOf(error);
}
