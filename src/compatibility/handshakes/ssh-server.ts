// SPDX-License-Identifier: Apache-2.0
import type { Connection, NegotiatedAlgorithms } from 'ssh2';
import { type GitSshServer, startGitSsh } from '../scenario/servers/git-ssh.ts';
import type { Repositories } from '../scenario/servers/repositories.ts';
import type { SshKey } from '../scenario/servers/ssh-keys.ts';
import { openSight, type OfferServer } from './offer.ts';
import { HYBRID, type SshOffer } from './ssh-offers.ts';

const CONTROL_WITHIN = 15_000;

/** Starts a Git server over SSH that offers one algorithm of each kind, and notes how handshakes go. */
export async function startSshOffer(
  { algorithms, name }: SshOffer,
  hostKey: SshKey,
  repositories: Repositories,
): Promise<OfferServer & GitSshServer> {
  const { kex, serverHostKey, cipher, hmac } = algorithms;
  if (kex === HYBRID) throw new TypeError(`ssh2 has no ${HYBRID}`);
  const sight = openSight();
  const server = await startGitSsh(repositories, {
    hostKey,
    algorithms: { kex: [kex], serverHostKey: [serverHostKey], cipher: [cipher], hmac: [hmac] },
    watch: (connection) => watch(connection, sight, name),
  });
  return {
    ...server,
    sight,
    async control() {
      await controlSsh(server, algorithms as Parameters<typeof controlSsh>[1]);
      sight.completed.length = 0;
      sight.broken.length = 0;
    },
  };
}

/** ssh2 offers an RSA key for SHA-1 too, whatever it is told: what was negotiated must be what is offered. */
function watch(connection: Connection, sight: OfferServer['sight'], name: string): void {
  let isCompleted = false;
  connection.on('handshake', (negotiated) => {
    isCompleted = true;
    const text = describe(negotiated);
    if (text.split(', ').includes(name)) sight.completed.push(text);
    else sight.broken.push(`something else was negotiated: ${text}`);
  });
  const note = (reason: string) => void (isCompleted || sight.broken.push(reason));
  connection.on('error', (error: Error) => note(error.message));
  connection.on('close', () => note('the client hung up in the handshake'));
}

function describe({ kex, serverHostKey, cs }: NegotiatedAlgorithms): string {
  return [kex, serverHostKey, cs.cipher, cs.mac].filter((part) => part !== '').join(', ');
}

/** Logs in, with the one algorithm of each kind. */
async function controlSsh(
  { host, username, identity }: GitSshServer,
  { kex, serverHostKey, cipher, hmac }: Record<'kex' | 'serverHostKey' | 'cipher' | 'hmac', never>,
): Promise<void> {
  const { default: ssh2 } = await import('ssh2');
  const client = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.on('ready', resolve).on('error', reject);
  client.connect({
    host: '127.0.0.1',
    port: Number(host.split(':')[1]),
    username,
    privateKey: identity,
    readyTimeout: CONTROL_WITHIN,
    algorithms: { kex: [kex], serverHostKey: [serverHostKey], cipher: [cipher], hmac: [hmac] },
  });
  try {
    await promise;
  } finally {
    client.end();
  }
}
