// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A PostgreSQL server of its own in a temporary folder, on a Unix socket alone. */
export interface PostgresServer {
  /** Gives the URL of a new, empty database. */
  createDatabase(): string;
  /** Runs SQL in the database of a URL that {@link createDatabase} gave; gives what psql prints, unaligned. Throws where it fails. */
  query(url: string, statement: string): string;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root, so root's tests run it as the system's `nobody`. */
const NOBODY = { uid: 65534, gid: 65534 };

/** Gives the folder that holds PostgreSQL's programs, where Debian or the search path has them; undefined where there are none. */
function postgresPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const releases = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...releases.map((one) => join(debian, one, 'bin')), ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.find((folder) => ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))));
}

/** Starts a server. Throws, with what it printed, where this machine has no PostgreSQL or it does not start. */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (programs === undefined)
    throw new Error(
      'no PostgreSQL here: install Debian package postgresql (scripts/install-packages.sh does, as root)',
    );
  const folder = mkdtempSync(join(tmpdir(), 'oakum-postgres-'));
  const user = process.getuid?.() === 0 ? NOBODY : {};
  if (process.getuid?.() === 0) chownSync(folder, NOBODY.uid, NOBODY.gid);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  const options = { cwd: folder, env: { PATH: programs, LC_ALL: 'C', TZ: 'UTC' }, encoding: 'utf8', ...user } as const;
  const run = (program: string, args: readonly string[], input?: string): string => {
    const { status, stdout, stderr, error } = spawnSync(join(programs, program), args, { ...options, input });
    if (status === 0) return stdout.trim();
    throw new Error(`${program}: ${error?.message ?? stderr.trim()}`);
  };
  run('initdb', ['-D', data, '-U', 'oakum', '--auth=trust', '-E', 'UTF8', '--no-sync']);
  const settings = ['-c', 'listen_addresses=', '-c', 'fsync=off', '-k', folder];
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...settings], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await started(child, data);
  let count = 0;
  const psql = (database: string, statement: string) =>
    run('psql', ['-h', folder, '-U', 'oakum', '-d', database, '-XAtq', '-v', 'ON_ERROR_STOP=1'], statement);
  return {
    createDatabase() {
      count += 1;
      psql('postgres', `create database test${count}`);
      return `postgres:///test${count}?host=${encodeURIComponent(folder)}&user=oakum`;
    },
    query: (url, statement) => psql(new URL(url).pathname.slice(1), statement),
    async stop() {
      const ended = new Promise((done) => child.once('close', done));
      child.kill('SIGINT'); // a fast shutdown: clients are disconnected
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The server says `ready` in its own file, as the last line (PostgreSQL, src/include/utils/pidfile.h). */
async function started(child: ChildProcess, data: string): Promise<void> {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const file = join(data, 'postmaster.pid');
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`postgres ended: ${text.trim()}`);
    if (existsSync(file) && /^ready\s*$/m.test(readFileSync(file, 'utf8'))) return;
    await delay(50);
  }
  child.kill('SIGKILL');
  throw new Error(`postgres is not ready: ${text.trim()}`);
}
