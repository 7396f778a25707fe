// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#core';
import { formatChartIndex, packChart } from '../scenario/content/chart.ts';
import type { Handler, RunningServer } from '../scenario/servers/https.ts';
import { openRepositories, type Repositories } from '../scenario/servers/repositories.ts';
import type { Draft } from '../scenario/stage.ts';
import type { ScenarioRequest } from '../scenario/types.ts';
import type { TlsCapabilities } from './client-hello.ts';
import { type Listener, listenSsh, listenTls } from './listeners.ts';
import { REPOSITORY, sshSource, tlsSecrets, tlsSource } from './objects.ts';
import type { Offer, OfferServer } from './offer.ts';
import { createHostKeys } from './ssh-host-keys.ts';
import { startHybridOffer } from './ssh-hybrid.ts';
import { HYBRID, SSH_OFFERS, type SshOffer } from './ssh-offers.ts';
import type { SshCapabilities } from './ssh-packets.ts';
import { startSshOffer } from './ssh-server.ts';
import { createTlsIdentities, type TlsIdentities } from './tls-identities.ts';
import { TLS_OFFERS, type TlsOffer } from './tls-offers.ts';
import { startEventSink } from './tcp.ts';
import { startTlsOffer } from './tls-server.ts';

/** One offer with its server, and the objects that send source-controller there. */
export interface Trial {
  readonly offer: Offer;
  readonly server: OfferServer;
  /** Why a client that takes anything had no handshake with it: then the server is at fault. */
  readonly fault: string | undefined;
  /** The source is the last. */
  readonly drafts: readonly Draft[];
  /** Whether there is nothing to fetch behind the handshake. */
  readonly isBare: boolean;
}

/** All servers: one for each offer, and two that only listen. */
export interface Trials {
  readonly trials: readonly Trial[];
  readonly listeners: { readonly tls: Listener<TlsCapabilities>; readonly ssh: Listener<SshCapabilities> };
  /** What goes before the trials' objects, and sends the controller to the listeners. */
  readonly drafts: readonly Draft[];
  stop(): Promise<void>;
}

/** Starts all servers at once on free ports of 127.0.0.1, and lets a control client meet each. Throws what keeps a server from starting. */
export async function openTrials(request: ScenarioRequest): Promise<Trials> {
  const started: RunningServer[] = [];
  const keep = async <Server extends RunningServer>(starting: Promise<Server>): Promise<Server> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  const stop = async () => void (await Promise.all(started.map((server) => server.stop())));
  try {
    const [identities, hostKeys, repositories] = await Promise.all([
      createTlsIdentities(request.clock),
      createHostKeys(),
      createRepository(request),
    ]);
    await keep(startEventSink(request.controllers.addresses.events));
    const answer = answerIndex(request.clock.now());
    const trials = await allOf([
      ...TLS_OFFERS.map((offer) => openTls(offer, { identities, answer, keep })),
      ...SSH_OFFERS.map((offer) => openSsh(offer, { hostKeys, repositories, keep })),
    ]);
    const [tls, ssh] = [await keep(listenTls()), await keep(listenSsh())];
    const drafts = [
      ...tlsSecrets(identities.authority),
      tlsSource('HelmRepository', 'says-tls', tls.host),
      ...sshSource('says-ssh', ssh.host, Object.values(hostKeys)),
    ];
    return { trials, listeners: { tls, ssh }, drafts, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Keep = <Server extends RunningServer>(starting: Promise<Server>) => Promise<Server>;

async function openTls(
  offer: TlsOffer,
  { identities, answer, keep }: { readonly identities: TlsIdentities; readonly answer: Handler; readonly keep: Keep },
): Promise<Trial> {
  const server = await keep(startTlsOffer(offer, identities, answer));
  const drafts = [tlsSource(offer.fetchedAs, nameOf(offer), server.host)];
  return { offer, server, drafts, fault: await faultOf(server), isBare: offer.fetchedAs !== 'HelmRepository' };
}

interface SshParts {
  readonly hostKeys: Awaited<ReturnType<typeof createHostKeys>>;
  readonly repositories: Repositories;
  readonly keep: Keep;
}

async function openSsh(offer: SshOffer, { hostKeys, repositories, keep }: SshParts): Promise<Trial> {
  const hostKey = hostKeys[offer.hostKey];
  const name = nameOf(offer);
  if (offer.algorithms.kex === HYBRID) {
    const server = await keep(startHybridOffer(offer, hostKey));
    return { offer, server, drafts: sshSource(name, server.host, [hostKey]), fault: undefined, isBare: true };
  }
  const server = await keep(startSshOffer(offer, hostKey, repositories));
  const drafts = sshSource(name, server.host, [hostKey], server);
  return { offer, server, drafts, fault: await faultOf(server), isBare: false };
}

async function faultOf(server: OfferServer): Promise<string | undefined> {
  try {
    await server.control();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Waits for all also where one fails, so that none starts behind the back of who stops them. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

async function createRepository(request: ScenarioRequest): Promise<Repositories> {
  const folder = join(request.folder, 'git');
  await mkdir(folder);
  const repositories = openRepositories(folder, request);
  await repositories.create(REPOSITORY, { 'settings.yaml': '{}\n' });
  return repositories;
}

/** A Helm repository of one chart, to whoever asks for its index; nothing else is there. */
function answerIndex(now: Date): Handler {
  const index = formatChartIndex([packChart({ name: REPOSITORY, version: '1.0.0' })], now);
  return (request, response) => {
    if (request.url === '/index.yaml') response.end(index);
    else response.writeHead(404).end();
  };
}

/** Gives the name of an offer's object: `tls-key-exchange-x25519`. */
function nameOf({ protocol, aspect, name }: Offer): string {
  return `${protocol} ${aspect} ${name}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
}
