// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, removeTree } from '#cache';
import { digestOf, type Platform } from '#core';
import type { Engine } from '#engine';
import type { Json } from '#formats';
import type { Sources } from '#sources';
import { findMissingPackages, type MissingPackage } from './list-packages.ts';
import type { ModuleFiles } from './overlay.ts';
import type { FloorVersion, Solution } from './solve.ts';

/** What looking for packages works with. */
export interface PackageTools {
  readonly cache: Cache;
  readonly sources: Sources;
  readonly engine: () => Promise<Engine>;
  readonly toolchain: () => Promise<string>;
  readonly signal: AbortSignal;
}

/** A component's source, and what identifies it and the toolchain that looks at it. */
export interface ListedSource {
  readonly component: string;
  readonly folder: string;
  readonly identity: Json;
  readonly platforms: readonly Platform[];
}

/** Gives what Go misses with edited files, on any platform; once per inputs. Fetches what the edited go.mod requires. */
export async function listMissing(
  source: ListedSource,
  files: ModuleFiles,
  tools: PackageTools,
): Promise<readonly MissingPackage[]> {
  const inputs = { source: source.identity, goMod: digestOf(files.goMod), goSum: digestOf(files.goSum) };
  const found: MissingPackage[] = [];
  for (const platform of source.platforms) {
    const step = await tools.cache.step(
      { name: 'list-missing-packages', inputs: { ...inputs, platform } },
      () => [],
      async () => {
        const moduleCache = await fillFor(files, tools);
        const [engine, toolchainFolder] = await Promise.all([tools.engine(), tools.toolchain()]);
        const { component, folder: sourceFolder } = source;
        const request = { component, sourceFolder, ...files, moduleCache, toolchainFolder, platform };
        const missing = await findMissingPackages(request, { engine, cache: tools.cache, signal: tools.signal });
        return missing.map(({ path, message }) => ({ path, message }));
      },
    );
    found.push(...step.value);
  }
  return [...new Map(found.map((one) => [one.path, one])).values()];
}

/**
 * Takes a package that is imported; gives the module that has it, of those the module graph selects: the one with the longest
 * path whose folder holds Go files of that package, as Go chooses (https://go.dev/ref/mod#resolve-pkg-mod).
 */
export async function findProvider(
  { path }: MissingPackage,
  solution: Solution,
  sources: Pick<Sources, 'prove' | 'module'>,
): Promise<FloorVersion | undefined> {
  const candidates = [...solution.graph.selected]
    .filter(([module]) => path === module || path.startsWith(`${module}/`))
    .sort(([a], [b]) => b.length - a.length);
  for (const [module, version] of candidates) {
    const folder = (await sources.module(await sources.prove({ path: module, version }))).path;
    const files = await readdir(join(folder, path.slice(module.length))).catch(() => []);
    if (files.some((name) => name.endsWith('.go')))
      return { path: module, version, cause: { kind: 'imported', package: path } };
  }
  return undefined;
}

/** The dependencies of edited files are read from a folder that holds nothing else. */
async function fillFor(files: ModuleFiles, { cache, sources }: PackageTools): Promise<string> {
  const folder = cache.temporary();
  await mkdir(folder);
  try {
    await Promise.all([writeFile(join(folder, 'go.mod'), files.goMod), writeFile(join(folder, 'go.sum'), files.goSum)]);
    return await sources.moduleCache(await sources.dependencies(folder));
  } finally {
    await removeTree(folder);
  }
}
