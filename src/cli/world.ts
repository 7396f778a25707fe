// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { availableParallelism, homedir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type Clock,
  createHttp,
  type Http,
  type Platform,
  platformOfMachine,
  type RunProcess,
  runProcess,
  systemClock,
} from '#core';

/** Everything outside the program, gathered once; commands hand its parts on. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The folder Oakum is installed in: distribution.yaml, keys and schema lie there. */
  readonly home: string;
  readonly cacheFolder: string;
  readonly stateFolder: string;
  readonly workingFolder: string;
  readonly clock: Clock;
  readonly http: Http;
  readonly run: RunProcess;
  readonly platform: Platform | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Takes the process's environment and a signal; gives the world. Folders: OAKUM_CACHE and OAKUM_DATA, else XDG's, else /var for root. */
export function openWorld(env: World['env'], signal: AbortSignal): World {
  const home = resolve(import.meta.dirname, '../..');
  const clock = systemClock();
  const version = readVersion(home);
  const proxy = (name: string) => env[name] ?? env[name.toUpperCase()];
  const httpProxy = proxy('http_proxy');
  const httpsProxy = proxy('https_proxy');
  return {
    env,
    version,
    home,
    cacheFolder: folderOf(env, { own: 'OAKUM_CACHE', xdg: 'XDG_CACHE_HOME', home: '.cache', root: '/var/cache' }),
    stateFolder: folderOf(env, { own: 'OAKUM_DATA', xdg: 'XDG_DATA_HOME', home: '.local/share', root: '/var/lib' }),
    workingFolder: process.cwd(),
    clock,
    http: createHttp({
      clock,
      userAgent: `oakum/${version}`,
      ...(httpProxy === undefined ? {} : { httpProxy }),
      ...(httpsProxy === undefined ? {} : { httpsProxy }),
      ...(proxy('no_proxy') === undefined ? {} : { noProxy: proxy('no_proxy') ?? '' }),
    }),
    run: runProcess,
    platform: platformOfMachine(process.arch),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    signal,
  };
}

/** Gives the version in package.json of the installation. */
export function readVersion(home: string): string {
  const found: unknown = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  return String((found as { version?: unknown }).version);
}

interface FolderNames {
  readonly own: string;
  readonly xdg: string;
  readonly home: string;
  readonly root: string;
}

/** Root gets /var, since builds run as another user who can't enter root's home. */
function folderOf(env: World['env'], names: FolderNames): string {
  const own = env[names.own];
  if (own) return resolve(own);
  const xdg = env[names.xdg];
  if (xdg) return join(resolve(xdg), 'oakum');
  if (process.getuid?.() === 0) return join(names.root, 'oakum');
  return join(env['HOME'] ?? homedir(), names.home, 'oakum');
}
