// SPDX-License-Identifier: Apache-2.0
import pLimit from 'p-limit';
import { compareGoVersions, compareModuleVersions, type GoMod, type ModuleVersion, replacementOf } from '#formats';
import { PatchError } from './error.ts';

/** What go.mod to read: a module's, or the one in a folder of the main module that stands in for a module. */
export type GoModPlace =
  | { readonly kind: 'module'; readonly module: ModuleVersion }
  | { readonly kind: 'folder'; readonly folder: string };

/** Reads a go.mod. It is asked for each place once per graph at most. */
export type ReadGoMod = (place: GoModPlace) => Promise<GoMod>;

/** The module graph as Go loads it for a main module. */
export interface ModuleGraph {
  /** The version that minimal version selection chooses for each module that the graph names, the main one apart. */
  readonly selected: ReadonlyMap<string, string>;
  /** The module versions whose go.mod had to be read, replacements done: go.sum must name each of them. */
  readonly read: readonly ModuleVersion[];
  /** Who requires the selected version of a module, first by name; absent where the main module alone does. */
  readonly requiredBy: ReadonlyMap<string, ModuleVersion>;
  /** The greatest version of Go that a go.mod in the graph asks for, of those that Go holds to (1.21 and later). */
  readonly go: { readonly version: string; readonly by: ModuleVersion } | undefined;
}

/** From this version on, a go.mod names all that its packages are built from, and what it requires is not followed further. */
const PRUNED_SINCE = '1.17';

/** From this version on, the go line is a minimum that Go enforces (https://go.dev/doc/toolchain). */
const STRICT_SINCE = '1.21';

const MAX_MODULES = 20_000;
const AT_ONCE = 32;

/**
 * Reads the module graph of a main module that requires `roots` (path to version): minimal version selection
 * (https://go.dev/ref/mod#minimal-version-selection) with module graph pruning (https://go.dev/ref/mod#graph-pruning).
 * Replacements and exclusions of the main module are heeded. Throws `MODULE_GRAPH_TOO_LARGE` and what `readGoMod` throws.
 */
export async function readGraph(
  main: GoMod,
  roots: ReadonlyMap<string, string>,
  readGoMod: ReadGoMod,
): Promise<ModuleGraph> {
  const graph = new GraphReader(main, readGoMod);
  const isPruned = compareGoVersions(main.go ?? '1.16', PRUNED_SINCE) >= 0;
  await Promise.all([...roots].map(([path, version]) => graph.visit({ path, version }, isPruned)));
  for (const [path, version] of roots) graph.require({ path, version }, undefined);
  return graph.result();
}

class GraphReader {
  readonly #main: GoMod;
  readonly #readGoMod: ReadGoMod;
  readonly #excluded: ReadonlySet<string>;
  readonly #limit = pLimit(AT_ONCE);
  readonly #visited = new Set<string>();
  readonly #mods = new Map<string, Promise<GoMod>>();
  readonly #read = new Map<string, ModuleVersion>();
  readonly #edges: { readonly module: ModuleVersion; readonly by: ModuleVersion | undefined }[] = [];
  readonly #goLines: { readonly version: string; readonly by: ModuleVersion }[] = [];

  constructor(main: GoMod, readGoMod: ReadGoMod) {
    this.#main = main;
    this.#readGoMod = readGoMod;
    this.#excluded = new Set(main.exclude.map(nameOf));
  }

  require(module: ModuleVersion, by: ModuleVersion | undefined): void {
    if (module.path !== this.#main.module) this.#edges.push({ module, by });
  }

  /** A module is visited once pruned and once not: what an unpruned one requires is followed to the end. */
  async visit(module: ModuleVersion, isPruned: boolean): Promise<void> {
    const key = `${nameOf(module)} ${isPruned ? 'pruned' : 'whole'}`;
    if (module.path === this.#main.module || this.#visited.has(key)) return;
    this.#visited.add(key);
    if (this.#visited.size > 2 * MAX_MODULES)
      throw new PatchError('MODULE_GRAPH_TOO_LARGE', `the module graph has more than ${MAX_MODULES} modules`);
    const mod = await this.#modOf(module);
    const isOwnPruned = compareGoVersions(mod.go ?? '1.16', PRUNED_SINCE) >= 0;
    const required = mod.require.filter((one) => !this.#excluded.has(nameOf(one)));
    for (const one of required) this.require(one, module);
    if (mod.go !== undefined && compareGoVersions(mod.go, STRICT_SINCE) >= 0)
      this.#goLines.push({ version: mod.go, by: module });
    if (isPruned && isOwnPruned) return;
    await Promise.all(required.map((one) => this.visit(one, false)));
  }

  result(): ModuleGraph {
    const best = new Map<string, { readonly version: string; readonly by: ModuleVersion | undefined }>();
    for (const { module, by } of this.#edges) {
      const known = best.get(module.path);
      const order = known === undefined ? 1 : compareModuleVersions(module.version, known.version);
      const isFirst = order === 0 && by !== undefined && (known?.by === undefined || nameOf(by) < nameOf(known.by));
      if (order > 0 || isFirst) best.set(module.path, { version: module.version, by });
    }
    const sorted = [...best].sort(([a], [b]) => (a < b ? -1 : 1));
    const go = this.#goLines.toSorted(
      (a, b) => compareGoVersions(b.version, a.version) || (nameOf(a.by) < nameOf(b.by) ? -1 : 1),
    )[0];
    return {
      selected: new Map(sorted.map(([path, { version }]) => [path, version])),
      requiredBy: new Map(sorted.flatMap(([path, { by }]) => (by === undefined ? [] : [[path, by] as const]))),
      read: [...this.#read.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
      go,
    };
  }

  #modOf(module: ModuleVersion): Promise<GoMod> {
    const place: GoModPlace = replacementOf(this.#main, module)?.target ?? { kind: 'module', module };
    const key = place.kind === 'module' ? nameOf(place.module) : place.folder;
    if (place.kind === 'module') this.#read.set(key, place.module);
    const running = this.#mods.get(key) ?? this.#limit(() => this.#readGoMod(place));
    this.#mods.set(key, running);
    return running;
  }
}

/** Gives `path@version`. */
export function nameOf({ path, version }: ModuleVersion): string {
  return `${path}@${version}`;
}
