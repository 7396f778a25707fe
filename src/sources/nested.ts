// SPDX-License-Identifier: Apache-2.0
import { cp, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { Cache, TreeResult } from '#cache';
import type { ModuleVersion } from '#formats';
import { readGoMod } from './dependencies.ts';
import { SourcesError } from './error.ts';
import type { HashedModule } from './module-store.ts';
import { nameOf } from './module-name.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A module of the same repository that the main one builds with from a folder below it, which its zip lacks. */
export interface NestedModule extends ModuleVersion {
  /** Relative to the main module's root, such as `api`. */
  readonly folder: string;
}

/**
 * Takes a main module's folder; gives the modules that its go.mod replaces by folders which its zip lacks (a zip never
 * holds nested modules, https://go.dev/ref/mod#zip-files), each at the version go.mod requires.
 */
export async function findNestedModules(folder: string, name: string): Promise<readonly NestedModule[]> {
  const mod = await readGoMod(folder);
  const nested: NestedModule[] = [];
  for (const { path, target } of mod.replace) {
    if (target.kind !== 'folder') continue;
    const relative = normalize(target.folder).replace(/\/$/, '');
    if (relative.startsWith('/') || relative === '.' || relative.startsWith('..')) {
      throw invalid(name, `go.mod replaces ${path} by ${target.folder}, which lies outside of the module`);
    }
    if (await isThere(join(folder, relative))) continue;
    const required = mod.require.find((one) => one.path === path);
    if (required === undefined) continue; // replaced but not used: the build never looks there
    nested.push({ path, version: required.version, folder: relative });
  }
  return nested;
}

/** A module's extracted folder, with what identifies it. */
export interface PlacedModule extends HashedModule {
  readonly path: string;
  /** Where it has been extracted. */
  readonly root: string;
}

/**
 * Gives a copy of the main module with its nested ones laid in place, made once for these modules. A copy of an earlier run
 * is hashed again, each module for itself: go.sum in it vouches for all else that is compiled. A damaged one is made anew.
 */
export async function composeSource(
  cache: Cache,
  main: PlacedModule,
  nested: readonly (PlacedModule & { readonly folder: string })[],
  hashFolder: WorkerPool['hashFolder'],
): Promise<TreeResult> {
  const inputs = {
    main: identity(main),
    nested: nested.map((module) => ({ ...identity(module), folder: module.folder })),
  };
  const key = { name: 'compose-source', inputs };
  const compose = async (into: string) => {
    await cp(main.root, into, { recursive: true });
    for (const module of nested) {
      const place = join(into, module.folder);
      if (await isThere(place)) throw invalid(nameOf(main), `its folder ${module.folder} is there already`);
      await cp(module.root, place, { recursive: true });
    }
  };
  const tree = await cache.tree(key, compose);
  if (!tree.cached || (await isWhole(tree.path, main, nested, hashFolder))) return tree;
  await cache.dropTree(key);
  return cache.tree(key, compose);
}

/** Hashes a composed folder module by module; what can't be read is not whole. */
async function isWhole(
  folder: string,
  main: HashedModule,
  nested: readonly (HashedModule & { readonly folder: string })[],
  hashFolder: WorkerPool['hashFolder'],
): Promise<boolean> {
  const without = nested.map((module) => module.folder);
  try {
    const hashes = await Promise.all([
      hashFolder(folder, nameOf(main), { without }),
      ...nested.map((module) => hashFolder(join(folder, module.folder), nameOf(module))),
    ]);
    return [main, ...nested].every(({ zipHash }, index) => zipHash === hashes[index]);
  } catch {
    return false;
  }
}

function identity({ path, version, zipHash }: HashedModule): { path: string; version: string; zipHash: string } {
  return { path, version, zipHash };
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function invalid(name: string, why: string): SourcesError {
  return new SourcesError('GO_MOD_INVALID', `${name} cannot be composed: ${why}`);
}
