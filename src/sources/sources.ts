// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Cache, TreeResult } from '#cache';
import { architectureOf, type Http, type Platform, type Report } from '#core';
import { isGoVersion, type ModuleVersion } from '#formats';
import type { ChecksumDatabase } from './checksum-database.ts';
import { type DatabaseHead, openDatabaseClient } from './database-client.ts';
import { type Dependency, readDependencies } from './dependencies.ts';
import { SourcesError } from './error.ts';
import { listModuleVersions, type ModuleInfo, readModuleInfo } from './module-info.ts';
import { deriveSource, type DerivedSource, type SourceChange } from './derive.ts';
import { assertModule, nameOf } from './module-name.ts';
import { type HashedModule, type ModuleOptions, type ModuleStore, openModuleStore } from './module-store.ts';
import { composeSource, findNestedModules, type NestedModule } from './nested.ts';
import { type Exemption, openProver, type ProvedModule } from './prove.ts';
import type { GoProxy } from './proxies.ts';
import { openProxyClient } from './proxy-client.ts';
import { findRelease, type FluxRelease } from './release.ts';
import { createWorkerPool, type WorkerPool } from './worker-pool.ts';

/** What {@link openSources} needs. `stateFolder` keeps the newest tree head seen and must outlive the cache. */
export interface SourcesOptions {
  readonly http: Http;
  readonly cache: Cache;
  readonly stateFolder: string;
  readonly proxies: readonly GoProxy[];
  readonly checksumDatabase: ChecksumDatabase;
  readonly exemptions: readonly Exemption[];
  readonly report: Report;
  readonly signal?: AbortSignal;
}

/** How far {@link Sources.moduleCache} has come. `bytes` counts what was downloaded. */
export interface ModuleCacheProgress {
  readonly modules: number;
  readonly totalModules: number;
  readonly bytes: number;
}

/** Flux releases, Go modules and Go toolchains, each proved before it is given. */
export interface Sources {
  /** Versions that the proxies list, oldest first; none where they list none. */
  versions(path: string): Promise<readonly string[]>;
  info(module: ModuleVersion): Promise<ModuleInfo>;
  /** Gives a module's hashes with their proof; throws `DATABASE_LACKS_MODULE`, `VERSION_UNKNOWN` and the other database errors. */
  prove(module: ModuleVersion): Promise<ProvedModule>;
  /** Gives the checksum database's newest tree head, consistent with the newest one seen. */
  databaseHead(): Promise<DatabaseHead>;
  /** Says whether a module or toolchain is extracted already; asks no network. */
  holds(module: HashedModule): Promise<boolean>;
  /** Gives the folder of a module whose zip has this hash (from a proof or a lock). */
  module(module: HashedModule, options?: ModuleOptions): Promise<TreeResult>;
  /** Gives a Flux release; `known` are versions known from elsewhere (a lock). See {@link findRelease}. */
  release(fluxVersion: string, known?: readonly string[]): Promise<FluxRelease>;
  /** Gives a module's go.mod. Its hash is one that a proved go.sum names, else the checksum database is asked. */
  goMod(module: ModuleVersion & { readonly modHash?: string }): Promise<string>;
  nestedModules(main: HashedModule): Promise<readonly NestedModule[]>;
  /** Gives the main module's source with its nested modules in place, as it can be built. */
  compose(main: HashedModule, nested: readonly (HashedModule & { readonly folder: string })[]): Promise<TreeResult>;
  /** Gives a changed copy of a composed source; see {@link deriveSource}. */
  derive(source: string, change: SourceChange): Promise<DerivedSource>;
  dependencies(sourceFolder: string): Promise<readonly Dependency[]>;
  /** Fills a GOMODCACHE with which `go build -mod=readonly` works offline and read-only; gives its folder. */
  moduleCache(
    dependencies: readonly Dependency[],
    options?: { readonly verify?: boolean; readonly onProgress?: (progress: ModuleCacheProgress) => void },
  ): Promise<string>;
  /** Puts the cryptographic module that a toolchain carries (lib/fips140) into the GOMODCACHE, where `GOFIPS140` has the go command look. */
  carriedModule(module: HashedModule, toolchainFolder: string): Promise<TreeResult>;
  /** Gives a Go toolchain (`1.27.3` or `go1.27.3`) and its GOROOT. A lock's hash, given as `zipHash`, must agree with the proof. */
  toolchain(
    goVersion: string,
    platform: Platform,
    options?: ModuleOptions & { readonly zipHash?: string },
  ): Promise<{ readonly module: ProvedModule; readonly folder: string; readonly cached: boolean }>;
}

const AT_ONCE = 48;

/** Opens the sources. Nothing is asked of the network until a method needs it. */
export function openSources(options: SourcesOptions): Sources {
  const { http, cache, signal } = options;
  const proxies = openProxyClient(http, options.proxies, signal);
  const pool = createWorkerPool();
  const store = openModuleStore(cache, proxies, pool);
  const client = openDatabaseClient({
    http,
    database: options.checksumDatabase,
    proxyUrls: proxies.urls,
    stateFolder: options.stateFolder,
    tileFolder: join(cache.folder, 'areas', 'checksum-tiles'),
    ...(signal === undefined ? {} : { signal }),
  });
  const versions = (path: string) => listModuleVersions(proxies, path);
  const info = (module: ModuleVersion) => readModuleInfo(cache, proxies, module);
  const isServed = (module: ModuleVersion) => info(module).then(() => true, refusedOnly);
  const prove = openProver({
    ...options,
    database: options.checksumDatabase,
    client,
    hashServed: store.hashServed,
    async assertServed(module) {
      if (!(await isServed(module))) throw await unknownVersion(module, versions);
    },
  });
  const folderOf = async (module: HashedModule) => (await store.module(module)).path;
  const reader = { cache, versions, isServed, prove, folderOf };
  return {
    versions,
    info,
    prove,
    databaseHead: () => client.latest(),
    holds: store.holds,
    module: store.module,
    release: (fluxVersion, known = []) => findRelease(reader, fluxVersion, known),
    nestedModules: async (main) => findNestedModules(await folderOf(main), nameOf(main)),
    compose: (main, nested) => composeModules({ cache, store, hashFolder: pool.hashFolder }, main, nested),
    async goMod(module) {
      assertModule(module);
      return store.goMod({ ...module, modHash: module.modHash ?? (await prove(module)).modHash });
    },
    derive: (source, change) => deriveSource({ cache, hashFolder: pool.hashFolder }, source, change),
    dependencies: readDependencies,
    moduleCache: (dependencies, given = {}) => fillModuleCache(store, dependencies, given),
    carriedModule: (module, toolchainFolder) =>
      store.carried(module, join(toolchainFolder, 'lib/fips140', `${module.version}.zip`)),
    async toolchain(goVersion, platform, given = {}) {
      return placeToolchain(store, await prove(toolchainModule(goVersion, platform)), given);
    },
  };
}

async function composeModules(
  { cache, store, hashFolder }: { cache: Cache; store: ModuleStore; hashFolder: WorkerPool['hashFolder'] },
  main: HashedModule,
  nested: readonly (HashedModule & { readonly folder: string })[],
): Promise<TreeResult> {
  const place = async <T extends HashedModule>(module: T) => ({
    ...module,
    root: (await store.module(module, { verify: true })).path,
  });
  return composeSource(cache, await place(main), await Promise.all(nested.map(place)), hashFolder);
}

async function placeToolchain(
  store: ModuleStore,
  module: ProvedModule,
  given: ModuleOptions & { readonly zipHash?: string },
): Promise<{ readonly module: ProvedModule; readonly folder: string; readonly cached: boolean }> {
  if (given.zipHash !== undefined && given.zipHash !== module.zipHash) throw otherHash(module, given.zipHash);
  const tree = await store.toolchain(module, given);
  return { module, folder: tree.path, cached: tree.cached };
}

async function fillModuleCache(
  store: ModuleStore,
  dependencies: readonly Dependency[],
  options: { readonly verify?: boolean; readonly onProgress?: (progress: ModuleCacheProgress) => void },
): Promise<string> {
  const limit = pLimit(AT_ONCE);
  const progress = { modules: 0, totalModules: dependencies.length, bytes: 0 };
  const tell = () => options.onProgress?.({ ...progress });
  const onBytes = (bytes: number) => {
    progress.bytes += bytes;
    tell();
  };
  const failures: unknown[] = [];
  const fill = async ({ path, version, zipHash, modHash }: Dependency) => {
    if (failures.length > 0) return; // the first failure is told; what has not begun need not
    if (modHash !== undefined) await store.goMod({ path, version, modHash });
    if (zipHash !== undefined) {
      await store.module({ path, version, zipHash }, { onBytes, ...(options.verify === true ? { verify: true } : {}) });
    }
    progress.modules += 1;
    tell();
  };
  // Zips first: they take longest, and the small go.mod files fill the gaps at the end.
  const [zips, mods] = [dependencies.filter((one) => one.zipHash), dependencies.filter((one) => !one.zipHash)];
  await Promise.all(
    [...zips, ...mods].map(async (dependency) => {
      await limit(fill, dependency).catch((error: unknown) => {
        failures.push(error);
      });
    }),
  );
  if (failures.length > 0) throw failures[0];
  return store.folder();
}

/** Gives the module that a Go toolchain is: versions of one pseudo-module, one for each platform (https://go.dev/doc/toolchain). */
export function toolchainModule(goVersion: string, platform: Platform): ModuleVersion {
  if (!isGoVersion(goVersion)) {
    throw new SourcesError('VERSION_UNKNOWN', `${JSON.stringify(goVersion)} is not a Go version`, {
      hint: 'Write it as go1.27.3.',
    });
  }
  const version = `v0.0.1-go${goVersion.replace(/^go/, '')}.linux-${architectureOf(platform)}`;
  return { path: 'golang.org/toolchain', version };
}

function refusedOnly(error: unknown): false {
  if (error instanceof SourcesError && error.code === 'MODULE_NOT_SERVED') return false;
  throw error;
}

async function unknownVersion(
  module: ModuleVersion,
  versions: (path: string) => Promise<readonly string[]>,
): Promise<SourcesError> {
  const known = await versions(module.path).catch(() => []);
  const list = known.slice(-20).join(', ');
  return new SourcesError(
    'VERSION_UNKNOWN',
    `neither the Go module proxy nor the checksum database knows ${nameOf(module)}`,
    {
      hint:
        known.length === 0
          ? 'Check path and version; the proxy lists no versions of this module.'
          : `The proxy lists ${list}.`,
    },
  );
}

function otherHash(module: ProvedModule, wanted: string): SourcesError {
  return new SourcesError(
    'HASH_MISMATCH',
    `${nameOf(module)} is locked with hash ${wanted}, but the checksum database proves ${module.zipHash}`,
    { hint: 'The lock was changed by hand or made from something else: run `oakum lock`.' },
  );
}
