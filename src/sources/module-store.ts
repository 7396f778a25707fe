// SPDX-License-Identifier: Apache-2.0
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Cache, StepKey, TreeResult } from '#cache';
import { temporaryName } from '#core';
import type { ModuleVersion } from '#formats';
import { SourcesError } from './error.ts';
import { assertModule, escapedNameOf, nameOf, proxyPathOf } from './module-name.ts';
import type { ProxyClient } from './proxy-client.ts';
import { hashGoMod, type Unpacked } from './unpack.ts';
import type { WorkerPool } from './worker-pool.ts';
import { MAX_ZIP } from './zip-rules.ts';

/** A module and the `h1:` hash its zip must have. */
export interface HashedModule extends ModuleVersion {
  readonly zipHash: string;
}

/** `verify` hashes a folder of an earlier run again (once per process) and replaces a damaged one; `onBytes` is told of bytes as they arrive. */
export interface ModuleOptions {
  readonly verify?: boolean;
  readonly onBytes?: (bytes: number) => void;
}

/** The modules on disk, in the layout of Go's module cache (https://go.dev/ref/mod#module-cache). */
export interface ModuleStore {
  /** The GOMODCACHE folder. */
  readonly folder: () => Promise<string>;
  /** Says whether a module's folder, or a toolchain's, is at hand. */
  readonly holds: (module: HashedModule) => Promise<boolean>;
  /** Gives a module's folder: fetched, checked by the zip rules, its hash compared, extracted read-only. */
  readonly module: (module: HashedModule, options?: ModuleOptions) => Promise<TreeResult>;
  /** Gives a module's go.mod, checked against its `h1:` hash, and leaves it where the go command looks for it. */
  readonly goMod: (module: ModuleVersion & { readonly modHash: string }) => Promise<string>;
  /** Gives the Go toolchain's root, with programs executable. */
  readonly toolchain: (module: HashedModule, options?: ModuleOptions) => Promise<TreeResult>;
  /** Gives the folder of a module that lies as a zip in a proved toolchain: hashed and extracted like a served one. */
  readonly carried: (module: HashedModule, zip: string) => Promise<TreeResult>;
  /** Hashes what the proxies serve as this module, trusting nothing and keeping nothing. */
  readonly hashServed: (module: ModuleVersion) => Promise<{ readonly zipHash: string; readonly modHash: string }>;
}

const AREA = 'go-modules';
const MAX_GO_MOD = 16 << 20;
const DOWNLOADS = 12;

/** Where a module goes in the cache, and the file that names the hash of what lies there (a place in {@link AREA} does not). */
interface Place {
  readonly key: StepKey & { readonly at?: string };
  readonly isToolchain: boolean;
  readonly hashFile?: string;
  /** A zip at hand; without it the proxies are asked. */
  readonly zip?: string;
}

/** What the functions below share: the cache, a download that hands each zip to a worker, and the folders checked in this run. */
interface Context {
  readonly cache: Cache;
  readonly proxies: ProxyClient;
  readonly pool: WorkerPool;
  readonly limit: LimitFunction;
  readonly verified: Set<string>;
}

/** Gives the store below `cache`. */
export function openModuleStore(cache: Cache, proxies: ProxyClient, pool: WorkerPool): ModuleStore {
  const context: Context = { cache, proxies, pool, limit: pLimit(DOWNLOADS), verified: new Set() };
  const folder = () => cache.area(AREA);
  const besideModules = async (module: ModuleVersion, suffix: 'mod' | 'ziphash') =>
    join(await folder(), 'cache/download', proxyPathOf(module, suffix));
  return {
    folder,
    holds: async (module) =>
      (await Promise.all([moduleKey(module), toolchainKey(module)].map((key) => cache.hasTree(key)))).includes(true),
    async module(module, options = {}) {
      assertModule(module);
      const hashFile = await besideModules(module, 'ziphash');
      return putInPlace(context, module, { key: moduleKey(module), hashFile, isToolchain: false }, options);
    },
    async carried(module, zip) {
      const hashFile = await besideModules(module, 'ziphash');
      return putInPlace(
        context,
        module,
        { key: moduleKey(module), hashFile, isToolchain: false, zip },
        { verify: true },
      );
    },
    async toolchain(module, options = {}) {
      assertModule(module);
      return putInPlace(context, module, { key: toolchainKey(module), isToolchain: true }, options);
    },
    async goMod(module) {
      const file = await besideModules(module, 'mod');
      const kept = await readFile(file).catch(() => undefined);
      if (kept !== undefined && hashGoMod(kept) === module.modHash) return kept.toString('utf8');
      const { url, text } = await fetchGoMod(context, module);
      const served = hashGoMod(Buffer.from(text));
      if (served !== module.modHash) {
        throw mismatch(`go.mod of ${nameOf(module)}`, { expected: module.modHash, served, url });
      }
      await writeWhole(file, text);
      return text;
    },
    async hashServed(module) {
      const { text } = await fetchGoMod(context, module);
      const { zipHash } = await fetchZip(context, module, {});
      return { zipHash, modHash: hashGoMod(Buffer.from(text)) };
    },
  };
}

function moduleKey(module: HashedModule): Place['key'] {
  const { path, version, zipHash } = module;
  return { name: 'module', inputs: { path, version, zipHash }, at: `areas/${AREA}/${escapedNameOf(module)}` };
}

function toolchainKey({ version, zipHash }: HashedModule): Place['key'] {
  return { name: 'toolchain', inputs: { version, zipHash } };
}

/** Gives the module's folder, made if it is not there, or not what it should be. */
async function putInPlace(
  context: Context,
  module: HashedModule,
  place: Place,
  options: ModuleOptions,
): Promise<TreeResult> {
  const { cache, verified } = context;
  for (;;) {
    const tree = await cache.tree(place.key, async (into) => {
      const target = { into, isToolchain: place.isToolchain };
      const { zipHash, url } =
        place.zip === undefined
          ? await fetchZip(context, module, target, options.onBytes)
          : { ...(await context.pool.unpack({ zip: place.zip, name: nameOf(module), ...target })), url: place.zip };
      if (zipHash !== module.zipHash)
        throw mismatch(nameOf(module), { expected: module.zipHash, served: zipHash, url });
    });
    if (!tree.cached) {
      verified.add(tree.path);
      if (place.hashFile !== undefined) await writeWhole(place.hashFile, module.zipHash);
      return tree;
    }
    const isOwn =
      place.hashFile === undefined || (await readFile(place.hashFile, 'utf8').catch(() => '')) === module.zipHash;
    if (isOwn && (options.verify !== true || (await isWhole(context, tree.path, module, place.isToolchain))))
      return tree;
    verified.delete(tree.path);
    await cache.dropTree(place.key);
  }
}

/** Hashes a folder once per process, and says whether it still is what its zip was. */
async function isWhole(context: Context, path: string, module: HashedModule, isToolchain: boolean): Promise<boolean> {
  if (context.verified.has(path)) return true;
  const hash = await context.pool.hashFolder(path, nameOf(module), { isToolchain }).catch(() => 'unreadable');
  if (hash === module.zipHash) context.verified.add(path);
  return hash === module.zipHash;
}

/** Downloads a zip and hands it to a worker; the zip is not kept. */
async function fetchZip(
  { cache, proxies, pool, limit }: Context,
  module: ModuleVersion,
  target: { into?: string; isToolchain?: boolean },
  onBytes?: (bytes: number) => void,
): Promise<Unpacked & { url: string }> {
  const zip = cache.temporary();
  const name = nameOf(module);
  try {
    const url = await limit(() =>
      proxies.get({ path: proxyPathOf(module, 'zip'), subject: name, maxBytes: MAX_ZIP }, async (answer) => {
        await pipeline(counted(answer.body, onBytes), createWriteStream(zip));
        return answer.url;
      }),
    );
    return { ...(await pool.unpack({ zip, name, ...target })), url };
  } finally {
    await rm(zip, { force: true });
  }
}

async function fetchGoMod({ proxies }: Context, module: ModuleVersion): Promise<{ url: string; text: string }> {
  const subject = `go.mod of ${nameOf(module)}`;
  return proxies.text({ path: proxyPathOf(module, 'mod'), subject, maxBytes: MAX_GO_MOD });
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  onBytes: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    onBytes?.(chunk.byteLength);
    yield chunk;
  }
}

/** Like core's replaceFile without its fsync: these are hundreds of small files, each checked before use. */
async function writeWhole(path: string, content: string): Promise<void> {
  const draft = temporaryName(path);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(draft, content, { mode: 0o644 });
  await rename(draft, path);
}

function mismatch(what: string, facts: { expected: string; served: string; url: string }): SourcesError {
  return new SourcesError(
    'HASH_MISMATCH',
    `${what} does not have the hash it must have: expected ${facts.expected}, the proxy serves ${facts.served}`,
    {
      where: facts.url,
      hint: 'Nothing of it was kept. Either the proxy serves something else than was published, or the recorded hash is wrong: find out which.',
    },
  );
}
