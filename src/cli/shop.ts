// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { mirrorsOf, openDebian, parseAptSources, readKeyring } from '#bases';
import { type Cache, openCache } from '#cache';
import { OakumError, type Platform, type Report } from '#core';
import {
  type DebianBaseDefinition,
  type Definition,
  lockFileOf,
  type Lock,
  type ReadDefinition,
  readDefinition,
  readLock,
  writeLock,
} from '#definition';
import { inspectMachine, openEngine, type SandboxReading } from '#engine';
import { once, type Workshop } from '#factory';
import { compressorIdentity } from '#image';
import { openSources, parseChecksumDatabase, parseGoProxies } from '#sources';
import { openAlpineBase } from './alpine-bases.ts';
import { beliefOf, openImages } from './image-bases.ts';
import type { World } from './world.ts';

/** Flags that several commands share. */
export interface SharedFlags {
  readonly definition?: string;
  readonly unsandboxed?: boolean;
}

/** The definition in use and its lock. */
export interface Loaded {
  readonly read: ReadDefinition;
  readonly lock: Lock | undefined;
  readonly lockFile: string;
}

/** Reads the definition a command is to use: --definition, else distribution.yaml here, else the one that comes with Oakum. */
export async function loadDefinition(flags: SharedFlags, world: World): Promise<Loaded> {
  const here = resolve(world.workingFolder, 'distribution.yaml');
  const shipped = join(world.home, 'distribution.yaml');
  const named = flags.definition === undefined ? undefined : resolve(world.workingFolder, flags.definition);
  const file = named ?? ((await isFile(here)) ? here : shipped);
  const read = await readDefinition(file);
  const lockFile = lockFileOf(file);
  return { read, lockFile, lock: await readLock(lockFile) };
}

/** Opens what the factory works with; nothing that costs is opened before it is needed. */
export async function openShop(
  loaded: Pick<Loaded, 'read'>,
  options: { flags: SharedFlags; world: World; report: Report },
): Promise<Workshop> {
  const { flags, world, report } = options;
  const { definition, file } = loaded.read;
  const cache = await openCache(world.cacheFolder);
  return {
    cache,
    clock: world.clock,
    versions: { oakum: world.version, node: process.versions.node },
    report,
    signal: world.signal,
    isolated: flags.unsandboxed !== true,
    machine: { platform: machinePlatform(world), cores: world.cores, memoryBytes: world.memoryBytes },
    definitionFolder: dirname(file),
    compressor: compressorIdentity('gzip'),
    sources: once(() => openGoSources(definition, { world, cache, report })),
    debian: (base) => openDebianBase(base, { world, cache, report, folder: dirname(file) }),
    alpine: (base) => openAlpineBase(base, { world, cache, report, folder: dirname(file) }),
    images: once(async () => openImages({ world, cache, report, folder: dirname(file) })),
    belief: (base) => beliefOf(base, dirname(file), world),
    engine: once(async () =>
      openEngine({
        run: world.run,
        cache,
        reading: await readMachine(world, cache),
        unsandboxed: flags.unsandboxed === true,
      }),
    ),
  };
}

/** Gives the folders that programs are looked for in: PATH, or the usual ones where there is none. */
export function searchPathOf({ env }: Pick<World, 'env'>): string {
  return env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}

/** Finds out what this machine offers for running steps. */
export function readMachine(world: World, cache: Cache): Promise<SandboxReading> {
  return inspectMachine({ run: world.run, cache, searchPath: searchPathOf(world) });
}

function machinePlatform(world: World): Platform {
  if (world.platform !== undefined) return world.platform;
  throw new OakumError('machine', 'MACHINE_UNSUPPORTED', 'Oakum builds on linux/amd64 and linux/arm64 machines only');
}

async function openGoSources(
  definition: Definition,
  { world, cache, report }: { world: World; cache: Cache; report: Report },
) {
  const { proxy, checksumDatabase, exemptions } = definition.sources;
  const settings = await goSettings({ GOPROXY: proxy, GOSUMDB: checksumDatabase }, world);
  return openSources({
    http: world.http,
    cache,
    stateFolder: world.stateFolder,
    proxies: parseGoProxies(settings.GOPROXY),
    checksumDatabase: parseChecksumDatabase(settings.GOSUMDB),
    exemptions,
    report,
    signal: world.signal,
  });
}

type GoSettings = Readonly<Record<'GOPROXY' | 'GOSUMDB', string>>;

/** Each from the definition, else the environment, else `go env` where Go is installed; else an error that says what to set. */
export async function goSettings(
  defined: Readonly<Record<keyof GoSettings, string | undefined>>,
  world: World,
): Promise<GoSettings> {
  const names = ['GOPROXY', 'GOSUMDB'] as const;
  const found = { GOPROXY: defined.GOPROXY ?? world.env['GOPROXY'], GOSUMDB: defined.GOSUMDB ?? world.env['GOSUMDB'] };
  if (names.every((name) => found[name])) return found as GoSettings;
  const asked = await askGo(world);
  const settings = { GOPROXY: found.GOPROXY || asked[0], GOSUMDB: found.GOSUMDB || asked[1] };
  const missing = names.filter((name) => !settings[name]);
  if (missing.length === 0) return settings as GoSettings;
  const keys = { GOPROXY: 'sources.proxy', GOSUMDB: 'sources.checksumDatabase' };
  throw new OakumError(
    'usage',
    'GO_SETTINGS_MISSING',
    `no Go module proxy or checksum database is configured: ${missing.join(' and ')} not set`,
    {
      hint: `Set ${missing.map((name) => `${name} (or ${keys[name]} in the definition)`).join(' and ')}; https://go.dev/ref/mod#environment-variables names the public values.`,
    },
  );
}

async function askGo(world: World): Promise<readonly string[]> {
  const env = Object.fromEntries(
    Object.entries(world.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const answer = await world
    .run({ argv: ['go', 'env', 'GOPROXY', 'GOSUMDB'], env, timeoutMilliseconds: 20_000 })
    .catch(() => undefined);
  return answer?.exitCode === 0 ? answer.stdout.split('\n').map((line) => line.trim()) : [];
}

async function openDebianBase(
  base: DebianBaseDefinition,
  { world, cache, report, folder }: { world: World; cache: Cache; report: Report; folder: string },
) {
  const mirrors =
    base.mirror === undefined
      ? mirrorsOf(parseAptSources(await readAptFiles()))
      : { main: [base.mirror], security: [base.securityMirror ?? base.mirror] };
  return openDebian({
    http: world.http,
    cache,
    stateFolder: world.stateFolder,
    clock: world.clock,
    mirrors,
    maxAgeDays: base.maxAgeDays,
    ...(base.keyring === undefined ? {} : { keyrings: [await readKeyring(resolve(folder, base.keyring))] }),
    report,
    signal: world.signal,
  });
}

async function readAptFiles(): Promise<{ name: string; text: string }[]> {
  const parts = await readdir('/etc/apt/sources.list.d').catch(() => []);
  const names = [
    '/etc/apt/sources.list',
    ...parts.filter((name) => /\.(?:list|sources)$/.test(name)).map((name) => `/etc/apt/sources.list.d/${name}`),
  ];
  const files = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(name, 'utf8').catch(() => '') })),
  );
  return files.filter((file) => file.text !== '');
}

async function isFile(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

/** Writes a lock that was completed; where its folder can't be written, the run goes on and says so, unless it must be written. */
export async function keepLock(
  completed: { readonly lock: Lock; readonly changed: boolean } & (
    | { readonly release: string }
    | { readonly holds: string }
  ),
  lockFile: string,
  report: Report,
  options: { readonly mustWrite?: boolean } = {},
): Promise<void> {
  if (!completed.changed) return;
  try {
    await writeLock(lockFile, completed.lock);
    report({
      kind: 'note',
      message: `${lockFile} now holds ${'holds' in completed ? completed.holds : `Flux ${completed.release}`}; commit it to build the same again`,
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (options.mustWrite || (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM')) throw error;
    report({ kind: 'warning', message: `${lockFile} can't be written; this build is not locked for the next run` });
  }
}
