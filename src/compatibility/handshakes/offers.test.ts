// SPDX-License-Identifier: Apache-2.0
// Servers that offer one thing, judged by other clients than the control client: Debian's openssl and ssh.
import { createHash, createPublicKey, decapsulate, diffieHellman, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProcess, systemClock } from '#core';
import type { RunningServer } from '../scenario/servers/https.ts';
import { openRepositories, type Repositories } from '../scenario/servers/repositories.ts';
import { sshStrings } from '../scenario/servers/ssh-keys.ts';
import type { OfferServer } from './offer.ts';
import { createHostKeys } from './ssh-host-keys.ts';
import { IDENTIFICATION, startHybridOffer } from './ssh-hybrid.ts';
import { HYBRID, SSH_OFFERS } from './ssh-offers.ts';
import { formatKexInit, formatPacket, readIdentification, readPacket, readStrings } from './ssh-packets.ts';
import { startSshOffer } from './ssh-server.ts';
import { createTlsIdentities, type TlsIdentities } from './tls-identities.ts';
import { TLS_OFFERS } from './tls-offers.ts';
import { startTlsOffer } from './tls-server.ts';

const signal = AbortSignal.timeout(120_000);
const clock = systemClock();
const searchPath = process.env['PATH'] ?? '';
let folder: string;
let identities: TlsIdentities;
let hostKeys: Awaited<ReturnType<typeof createHostKeys>>;
let repositories: Repositories;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-offers-'));
  [identities, hostKeys] = await Promise.all([createTlsIdentities(clock), createHostKeys()]);
  await writeFile(join(folder, 'ca.crt'), identities.authority);
  repositories = openRepositories(folder, { run: runProcess, searchPath, clock, signal });
  await repositories.create('handshake', { 'settings.yaml': '{}\n' });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function within<Server extends RunningServer>(
  starting: Promise<Server>,
  work: (server: Server) => Promise<void>,
) {
  const server = await starting;
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

const portOf = ({ host }: RunningServer) => Number(host.split(':')[1]);

async function tool(...argv: [string, ...string[]]) {
  const env = { PATH: searchPath, HOME: folder };
  const { exitCode, stdout, stderr } = await runProcess({
    argv,
    env,
    stdin: Buffer.alloc(0),
    signal,
    timeoutMilliseconds: 20_000,
  });
  return { exitCode, text: `${stdout}${stderr}` };
}

const tls = (name: string) => TLS_OFFERS.find((offer) => offer.name === name) ?? expect.fail(name);
const ssh = (name: string) => SSH_OFFERS.find((offer) => offer.name === name) ?? expect.fail(name);

/** What openssl of Debian 12 does not have. */
const NEW = /MLKEM/;

describe('offers', () => {
  it('are told apart by protocol, aspect and name', () => {
    const names = [...TLS_OFFERS, ...SSH_OFFERS].map(({ protocol, aspect, name }) => `${protocol} ${aspect} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are not all taken alike with FIPS mode and without, so that one measured for the other fails', () => {
    for (const offers of [TLS_OFFERS, SSH_OFFERS])
      expect(offers.filter(({ expected }) => expected.none !== expected.fips140).length).toBeGreaterThan(6);
  });
});

describe('a server of TLS that offers one thing', () => {
  it.each(TLS_OFFERS)('has a handshake with a client that takes anything: $aspect $name', async (offer) => {
    await within(
      startTlsOffer(offer, identities, (_, response) => void response.end()),
      async (server) => {
        await server.control();
        expect(server.sight).toEqual({ completed: [], broken: [] });
      },
    );
  });

  it.each(TLS_OFFERS.filter(({ name }) => !NEW.test(name)))(
    'is right for openssl too: $aspect $name',
    async (offer) => {
      await within(
        startTlsOffer(offer, identities, (_, response) => void response.end()),
        async (server) => {
          const sigalgs = offer.aspect === 'signature' ? ['-sigalgs', 'RSA+SHA1'] : [];
          const weak = ['-cipher', 'ALL:@SECLEVEL=0', '-CAfile', join(folder, 'ca.crt'), '-verify_return_error'];
          const { exitCode, text } = await tool(
            'openssl',
            's_client',
            '-connect',
            server.host,
            '-min_protocol',
            'TLSv1',
            ...weak,
            ...sigalgs,
          );
          expect({ exitCode, text }).toEqual({
            exitCode: 0,
            text: expect.stringContaining('Verify return code: 0 (ok)'),
          });
          expect(server.sight.completed).toHaveLength(1);
        },
      );
    },
  );

  it.each([
    ['X25519', { ecdhCurve: 'P-256' }],
    ['P-256', { ecdhCurve: 'X25519' }],
    ['X25519MLKEM768', { ecdhCurve: 'X25519' }],
    ['TLS 1.1', { minVersion: 'TLSv1.2' }],
    ['TLS 1.2', { minVersion: 'TLSv1.3' }],
    ['TLS_CHACHA20_POLY1305_SHA256', { ciphers: 'TLS_AES_128_GCM_SHA256' }],
    ['ECDHE-RSA-AES128-SHA', { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }],
  ] as const)('that is %s is refused by who lacks it, and sees that', async (name, client) => {
    await within(
      startTlsOffer(tls(name), identities, (_, response) => void response.end()),
      async ({ host, sight }) => {
        const socket = connect({
          host: '127.0.0.1',
          port: Number(host.split(':')[1]),
          ca: identities.authority,
          ...client,
        });
        await new Promise((resolve) => socket.once('error', () => {}).once('close', resolve));
        await expect.poll(() => sight.broken.length).toBe(1);
        expect(sight.completed).toEqual([]);
      },
    );
  });
});

describe('a server of SSH that offers one thing', () => {
  const offers = SSH_OFFERS.filter(({ name }) => name !== HYBRID);

  it.each(offers)('is right for the control client and for Debian’s ssh: $aspect $name', async (offer) => {
    const hostKey = hostKeys[offer.hostKey];
    await within(startSshOffer(offer, hostKey, repositories), async (server) => {
      await server.control();
      expect(server.sight).toEqual({ completed: [], broken: [] });
      const clone = await cloneFrom(server, offer.algorithms);
      expect(clone).toMatchObject({ exitCode: 0, text: expect.stringContaining('refs/heads/main') });
      expect(server.sight.completed[0]?.split(', ')).toContain(offer.name);
    });
  });

  it('sees who does not have that', async () => {
    const offer = ssh('curve25519-sha256');
    await within(startSshOffer(offer, hostKeys[offer.hostKey], repositories), async (server) => {
      const clone = await cloneFrom(server, { ...offer.algorithms, kex: 'ecdh-sha2-nistp256' });
      expect(clone.exitCode).not.toBe(0);
      expect(server.sight.completed).toEqual([]);
      expect(server.sight.broken[0]).toContain('no matching key exchange');
    });
  });

  async function cloneFrom(
    server: OfferServer & { username: string; identity: string; knownHosts: string },
    algorithms: (typeof offers)[number]['algorithms'],
  ) {
    const place = await mkdtemp(join(folder, 'client-'));
    await writeFile(join(place, 'key'), server.identity, { mode: 0o600 });
    await writeFile(join(place, 'known'), server.knownHosts);
    const options = {
      IdentityFile: join(place, 'key'),
      IdentitiesOnly: 'yes',
      UserKnownHostsFile: join(place, 'known'),
      StrictHostKeyChecking: 'yes',
      KexAlgorithms: algorithms.kex,
      HostKeyAlgorithms: algorithms.serverHostKey,
      Ciphers: algorithms.cipher,
      MACs: algorithms.hmac,
      RequiredRSASize: '1024',
    };
    const command = [
      'ssh',
      '-F',
      'none',
      ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ];
    const url = `ssh://${server.username}@${server.host}/handshake.git`;
    return tool('git', '-c', `core.sshCommand=${command.join(' ')}`, 'ls-remote', '--exit-code', url, 'main');
  }
});

describe('the server of SSH with ML-KEM', () => {
  const offer = ssh(HYBRID);

  it('has an exchange with a client of its own making, whose NEWKEYS it waits for', async () => {
    const hostKey = hostKeys['ecdsa 256'];
    await within(startHybridOffer(offer, hostKey), async (server) => {
      expect(await exchange(portOf(server), hostKey.pem, true)).toBe(true);
      await expect.poll(() => server.sight).toEqual({ completed: [HYBRID], broken: [] });
    });
  });

  it('sees who hangs up before', async () => {
    const hostKey = hostKeys['ecdsa 256'];
    await within(startHybridOffer(offer, hostKey), async (server) => {
      expect(await exchange(portOf(server), hostKey.pem, false)).toBe(true);
      await expect.poll(() => server.sight).toEqual({ completed: [], broken: ['the client hung up'] });
    });
  });
});

/** The client's half of draft-ietf-sshm-mlkem-hybrid-kex; says whether the host's signature is right. */
async function exchange(port: number, hostPem: string, isGoingOn: boolean): Promise<boolean> {
  const [kem, curve] = [generateKeyPairSync('ml-kem-768'), generateKeyPairSync('x25519')];
  const raw = (key: typeof kem.publicKey, bytes: number) =>
    key.export({ type: 'spki', format: 'der' }).subarray(-bytes);
  const share = Buffer.concat([raw(kem.publicKey, 1184), raw(curve.publicKey, 32)]);
  const init = formatKexInit({
    keyExchanges: [HYBRID],
    hostKeys: ['ecdsa-sha2-nistp256'],
    ciphers: ['aes128-ctr'],
    macs: ['hmac-sha2-256'],
  });
  const socket = connectTcp(port, '127.0.0.1');
  socket.write('SSH-2.0-Test\r\n');
  socket.write(formatPacket(init));
  socket.write(formatPacket(Buffer.concat([Buffer.of(30), sshStrings(share)])));
  let bytes: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    const first = readIdentification(bytes);
    const second = first && readPacket(first.rest);
    const third = second && readPacket(second.rest);
    if (third === undefined) continue;
    const [blob = Buffer.of(), reply = Buffer.of(), signature = Buffer.of()] = readStrings(third.payload, 1, 3);
    const agreed = diffieHellman({
      privateKey: curve.privateKey,
      publicKey: createPublicKey({
        key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), reply.subarray(-32)]),
        format: 'der',
        type: 'spki',
      }),
    });
    const secret = createHash('sha256')
      .update(decapsulate(kem.privateKey, reply.subarray(0, -32)))
      .update(agreed)
      .digest();
    const transcript = sshStrings(
      'SSH-2.0-Test',
      IDENTIFICATION,
      init,
      second?.payload ?? '',
      blob,
      share,
      reply,
      secret,
    );
    const [, numbers = Buffer.of()] = readStrings(signature, 0, 2);
    const both = readStrings(numbers, 0, 2).map((number) => Buffer.concat([Buffer.alloc(32), number]).subarray(-32));
    const isRight = verify(
      'sha256',
      createHash('sha256').update(transcript).digest(),
      { key: createPublicKey(hostPem), dsaEncoding: 'ieee-p1363' },
      Buffer.concat(both),
    );
    if (isGoingOn) socket.write(formatPacket(Buffer.of(21)));
    socket.end();
    return isRight;
  }
  return false;
}
