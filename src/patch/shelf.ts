// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError } from '#core';
import {
  compareModuleVersions,
  deprecationOf,
  type GoMod,
  majorOf,
  type ModuleVersion,
  parseGoMod,
  prereleaseOf,
} from '#formats';
import type { Sources } from '#sources';
import { nameOf } from './module-graph.ts';

/** What a shelf reads from: go.mod files, proved, and the lists of the proxies. */
export type ShelfSources = Pick<Sources, 'versions' | 'goMod'>;

/** Modules as the proxies have them, each asked for once. */
export interface Shelf {
  /** A module's go.mod, proved; `modHash` where a proved go.sum names it. Throws what sources throw. */
  goMod(module: ModuleVersion & { readonly modHash?: string }): Promise<GoMod>;
  /** Why a version must not be chosen: it can't be had, is not proved, or was taken back. Undefined where it may. */
  flawOf(module: ModuleVersion): Promise<string | undefined>;
  /** The least version that may be chosen, at or above this one and of its major; `refused` may refuse more. Undefined where there is none near. */
  nextUsable(
    module: ModuleVersion,
    refused: (version: string) => boolean,
  ): Promise<{ readonly version: string } | { readonly flaw: string }>;
  /** What a module's authors say of it in the go.mod of its newest version. */
  deprecation(path: string): Promise<string | undefined>;
  /** Releases (no pre-releases) that the proxies list, oldest first. */
  releases(path: string): Promise<readonly string[]>;
}

/** How many later versions are tried in place of one that can't be had. */
const TRIES = 6;

interface Newest {
  readonly retract: GoMod['retract'];
  readonly deprecated: string | undefined;
}

/** Opens a shelf. */
export function openShelf(sources: ShelfSources): Shelf {
  const texts = new Map<string, Promise<string>>();
  const parsed = new Map<string, Promise<GoMod>>();
  const lists = new Map<string, Promise<readonly string[]>>();
  const newest = new Map<string, Promise<Newest>>();
  const text = (module: ModuleVersion & { readonly modHash?: string }) =>
    kept(texts, nameOf(module), () => sources.goMod(module));
  const goMod = (module: ModuleVersion & { readonly modHash?: string }) =>
    kept(parsed, nameOf(module), async () => parseGoMod(await text(module)));
  const releases = (path: string) =>
    kept(lists, path, async () => (await sources.versions(path)).filter((version) => prereleaseOf(version) === ''));
  const newestOf = (path: string) => kept(newest, path, async () => readNewest(path, await releases(path), text));

  async function flawOf(module: ModuleVersion): Promise<string | undefined> {
    try {
      await text(module);
    } catch (error) {
      if (!isAboutModule(error)) throw error;
      return messageOf(error);
    }
    const { retract } = await newestOf(module.path);
    const isRetracted = retract.some(
      ({ low, high }) =>
        compareModuleVersions(low, module.version) <= 0 && compareModuleVersions(module.version, high) <= 0,
    );
    return isRetracted ? `${nameOf(module)} was retracted by its authors` : undefined;
  }

  return {
    goMod,
    flawOf,
    releases,
    deprecation: async (path) => (await newestOf(path)).deprecated,
    async nextUsable({ path, version }, refused) {
      const flaw = await flawOf({ path, version });
      if (flaw === undefined && !refused(version)) return { version };
      const later = (await releases(path)).filter(
        (one) => compareModuleVersions(one, version) > 0 && majorOf(one) === majorOf(version) && !refused(one),
      );
      for (const one of later.slice(0, TRIES)) {
        if ((await flawOf({ path, version: one })) === undefined) return { version: one };
      }
      return { flaw: flaw ?? `no version of ${path} from ${version} on can be used` };
    },
  };
}

/** Retractions count as the go.mod of the newest release has them (https://go.dev/ref/mod#go-mod-file-retract). */
async function readNewest(
  path: string,
  releases: readonly string[],
  text: (module: ModuleVersion) => Promise<string>,
): Promise<Newest> {
  for (const version of releases.toReversed().slice(0, 3)) {
    try {
      const found = await text({ path, version });
      return { retract: parseGoMod(found).retract, deprecated: deprecationOf(found) };
    } catch (error) {
      if (!isAboutModule(error)) throw error;
    }
  }
  return { retract: [], deprecated: undefined };
}

/** Whether an error says something of the one module, and not of the network or of whoever answers. */
export function isAboutModule(error: unknown): boolean {
  const codes = ['MODULE_NOT_SERVED', 'VERSION_UNKNOWN', 'DATABASE_LACKS_MODULE', 'GO_MOD_INVALID'];
  return error instanceof OakumError && codes.includes(String(error.code));
}

function kept<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const running = known.get(key) ?? make();
  known.set(key, running);
  return running;
}
