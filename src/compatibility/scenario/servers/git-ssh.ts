// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import type { Algorithms, AuthContext, Connection, ServerChannel } from 'ssh2';
import { closeServer, listenLocally, type RunningServer } from './https.ts';
import type { Repositories } from './repositories.ts';
import { createEcdsaKey, type SshKey } from './ssh-keys.ts';

/** A Git server over SSH, and what a client needs to be let in and to know it again. */
export interface GitSshServer extends RunningServer {
  readonly username: string;
  /** The client's private key, PEM. */
  readonly identity: string;
  /** The line of a known_hosts file. */
  readonly knownHosts: string;
}

const USERNAME = 'git';
const COMMAND = /^(git-upload-pack|git-receive-pack) '\/?([\w-]+)\.git'$/;

/** What a server may do other than as usual: what it offers, and who watches its connections. */
export interface GitSshOptions {
  readonly hostKey?: SshKey;
  readonly algorithms?: Algorithms;
  readonly watch?: (connection: Connection) => void;
}

/**
 * Starts a Git server over SSH on a free port of 127.0.0.1: fetch and push, for the holder of one key. Keys are on P-256, which FIPS
 * mode allows; the rest is the choice of the two sides, unless options narrow it.
 */
export async function startGitSsh(repositories: Repositories, options: GitSshOptions = {}): Promise<GitSshServer> {
  const { default: ssh2 } = await import('ssh2');
  const { hostKey: host = createEcdsaKey(), watch, ...narrowed } = options;
  const client = createEcdsaKey();
  const allowed = client.blob;
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [host.pem], ...narrowed }, (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => {}); // a client that goes away
    watch?.(connection);
    connection.on('authentication', (attempt) => {
      if (isAllowed(attempt, allowed, ssh2.utils.parseKey)) attempt.accept();
      else attempt.reject(['publickey']);
    });
    connection.on('session', (accept) => {
      const session = accept();
      let protocol = '';
      session.on('env', (acceptEnv, _reject, { key, val }) => {
        if (key === 'GIT_PROTOCOL') protocol = val;
        acceptEnv?.();
      });
      session.on('exec', (acceptExec, rejectExec, { command }) => {
        const [, program, name] = COMMAND.exec(command) ?? [];
        if (program === undefined) rejectExec();
        else
          runGit(acceptExec(), [program, `${repositories.folder}/${name}.git`], {
            ...repositories.environment,
            GIT_PROTOCOL: protocol,
          });
      });
    });
  });
  const place = await listenLocally(server);
  return {
    host: place,
    username: USERNAME,
    identity: client.pem,
    knownHosts: `${place.replace('127.0.0.1', '[127.0.0.1]')} ${host.type} ${host.blob.toString('base64')}\n`,
    stop: () =>
      closeServer(server, () => {
        for (const connection of connections) connection.end();
      }),
  };
}

/** A client first asks whether a key would do, without a signature, and then signs (RFC 4252 7). */
function isAllowed(
  attempt: AuthContext,
  allowed: Buffer,
  parseKey: typeof import('ssh2')['utils']['parseKey'],
): boolean {
  if (attempt.method !== 'publickey' || attempt.username !== USERNAME || !attempt.key.data.equals(allowed))
    return false;
  if (attempt.signature === undefined) return true;
  const key = parseKey(attempt.key.data);
  return !(key instanceof Error) && key.verify(attempt.blob ?? Buffer.alloc(0), attempt.signature);
}

function runGit(channel: ServerChannel, [program, folder]: readonly [string, string], env: Record<string, string>) {
  const child = spawn(program, [folder], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.on('error', () => channel.end());
  child.stdin.on('error', () => {}); // it need not read all
  channel.on('error', () => {});
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on('close', (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
  channel.on('close', () => child.kill());
}
