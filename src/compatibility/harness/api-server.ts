// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Clock, createHttp, discard, type Http, messageOf, readText, type RunProcess } from '#core';
import { CompatibilityError } from '../error.ts';
import {
  type Account,
  type ClusterCredentials,
  formatKubeconfig,
  makeCredentials,
  signToken,
  TOKEN_ISSUER,
} from './credentials.ts';
import { freePorts } from './ports.ts';
import { type Service, startService, type ServiceTools } from './service.ts';

/** What {@link startApiServer} needs. `folder` must not exist or be empty, and its path have fewer than 4096 bytes. */
export interface ApiServerRequest {
  /** kube-apiserver, an executable. */
  readonly program: string;
  readonly folder: string;
  /** Where the programs' logs go; into `folder` where nothing is said. */
  readonly logFolder?: string;
  /** Where etcd and setpriv are looked for, as PATH has it. */
  readonly searchPath: string;
  readonly run: RunProcess;
  readonly clock: Clock;
  /** Its abort kills what runs. */
  readonly signal: AbortSignal;
}

/** A real kube-apiserver with its etcd on loopback: RBAC on, no nodes, no controllers of Kubernetes' own. */
export interface ApiServer {
  /** The file that makes its reader cluster-admin. */
  readonly kubeconfig: string;
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  /** The certificate authority, PEM. */
  readonly authority: string;
  /** `1.36.3`. */
  readonly version: string;
  readonly etcdVersion: string;
  /** Files that programs print to; they grow. */
  readonly logs: { readonly apiServer: string; readonly etcd: string };
  /** Gives a token of a service account, good for a day. */
  tokenFor(account: Account): string;
  /** Stops the API server and starts it on the same port with the same data. */
  restart(): Promise<void>;
  /** Stops both and waits until they are gone. */
  stop(): Promise<void>;
}

const ATTEMPTS = 3;
const SOCKETS = { client: 'unix://client.sock:0', peer: 'unix://peer.sock:0' } as const;

/**
 * Starts etcd, which is reached by a socket in its folder only, and kube-apiserver on a free port; waits until it is ready. Both
 * die with this process. Throws `ETCD_MISSING`, and `PROGRAM_FAILED` with the last lines of what did not start.
 */
export async function startApiServer(request: ApiServerRequest): Promise<ApiServer> {
  const { folder, logFolder = folder, clock } = request;
  const etcdVersion = await readEtcdVersion(request);
  const data = join(folder, 'etcd');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const credentials = makeCredentials(clock);
  await writeCredentials(folder, credentials);
  const logs = { apiServer: join(logFolder, 'kube-apiserver.log'), etcd: join(logFolder, 'etcd.log') };
  const etcd = startEtcd(data, logs.etcd, request);
  try {
    const http = createHttp({ clock, ca: [credentials.authority] });
    let { port, service } = await startOnFreePort({ ...request, log: logs.apiServer, http, etcd });
    const url = `https://127.0.0.1:${port}`;
    const kubeconfig = join(folder, 'admin.kubeconfig');
    await writeFile(kubeconfig, formatKubeconfig(url, credentials), { mode: 0o600 });
    return {
      kubeconfig,
      url,
      authority: credentials.authority,
      version: await readVersion(url, http),
      etcdVersion,
      logs,
      tokenFor: (account) => signToken(account, credentials, clock),
      async restart() {
        await service.stop();
        service = await startOn(port, { ...request, log: logs.apiServer, http, etcd });
      },
      async stop() {
        await service.stop(); // first: an API server without etcd waits and complains
        await etcd.stop();
      },
    };
  } catch (error) {
    await etcd.stop();
    throw error;
  }
}

/** Gives the version of etcd here. Throws `ETCD_MISSING`, saying which package has it. */
export async function readEtcdVersion({
  run,
  searchPath,
  signal,
}: Pick<ApiServerRequest, 'run' | 'searchPath' | 'signal'>): Promise<string> {
  const request = { argv: ['etcd', '--version'] as const, env: { PATH: searchPath }, signal };
  const answer = await run({ ...request, timeoutMilliseconds: 30_000 }).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    throw missing(messageOf(error), searchPath);
  });
  const version = /^etcd Version: (\S+)/m.exec(answer.stdout)?.[1];
  if (version === undefined) throw missing('it does not tell its version', searchPath);
  return version;
}

function missing(why: string, searchPath: string): CompatibilityError {
  return new CompatibilityError('ETCD_MISSING', `API servers keep their state in etcd, and there is none: ${why}`, {
    where: searchPath.split(delimiter).join(', '),
    hint: 'Install it (Debian and Ubuntu: `apt-get install etcd-server`) or put its folder on PATH.',
  });
}

async function writeCredentials(folder: string, credentials: ClusterCredentials): Promise<void> {
  const { authority, server, tokens } = credentials;
  const files = {
    'ca.crt': authority,
    'server.crt': server.certificate,
    'server.key': server.key,
    'tokens.pub': tokens.certificate,
    'tokens.key': tokens.key,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
}

/** Never with --unsafe-no-fsync: revisions went backwards after a restart. */
function startEtcd(data: string, logFile: string, request: ApiServerRequest): Service {
  const argv = [
    'etcd',
    '--data-dir=data',
    `--listen-client-urls=${SOCKETS.client}`,
    `--advertise-client-urls=${SOCKETS.client}`,
    `--listen-peer-urls=${SOCKETS.peer}`,
    `--initial-advertise-peer-urls=${SOCKETS.peer}`,
    `--initial-cluster=default=${SOCKETS.peer}`,
  ] as const;
  return startService({ name: 'etcd', argv, env: { PATH: request.searchPath }, cwd: data, logFile }, request);
}

interface Start extends ServiceTools {
  readonly program: string;
  readonly folder: string;
  readonly searchPath: string;
  readonly log: string;
  readonly http: Http;
  readonly etcd: Service;
}

/** Between the choice of a port and its use somebody else may take it: then another is tried. */
async function startOnFreePort(start: Start): Promise<{ readonly port: number; readonly service: Service }> {
  for (let attempt = 1; ; attempt += 1) {
    const [port = 0] = await freePorts(1);
    try {
      return { port, service: await startOn(port, start) };
    } catch (error) {
      if (attempt >= ATTEMPTS || !/address already in use/.test(String(error))) throw error;
    }
  }
}

async function startOn(port: number, start: Start): Promise<Service> {
  const { folder, program, searchPath, log, http, etcd } = start;
  const service = startService(
    {
      name: 'kube-apiserver',
      argv: [program, ...flagsOf(port, folder)],
      env: { PATH: searchPath },
      cwd: join(folder, 'etcd'), // where etcd's socket is
      logFile: log,
    },
    start,
  );
  try {
    await service.untilReady(() => isReady(`https://127.0.0.1:${port}/readyz`, http), [etcd]);
    return service;
  } catch (error) {
    await service.stop();
    throw error;
  }
}

function flagsOf(port: number, folder: string): readonly string[] {
  const file = (name: string) => join(folder, name);
  return [
    `--etcd-servers=${SOCKETS.client}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    '--endpoint-reconciler-type=none', // no node could reach the address
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=Node,RBAC',
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--service-account-issuer=${TOKEN_ISSUER}`,
    `--service-account-key-file=${file('tokens.pub')}`,
    `--service-account-signing-key-file=${file('tokens.key')}`,
  ];
}

/** Says whether a server answers 200 where it tells of its health. */
export async function isReady(url: string, http: Http): Promise<boolean> {
  const response = await http({ url, attempts: 1 });
  await discard(response);
  return response.status === 200;
}

async function readVersion(url: string, http: Http): Promise<string> {
  const response = await http({ url: `${url}/version` });
  const { gitVersion } = JSON.parse(await readText(response, 1 << 20)) as { readonly gitVersion?: unknown };
  return String(gitVersion).replace(/^v/, '');
}
