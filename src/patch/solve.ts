// SPDX-License-Identifier: Apache-2.0
import { compareGoVersions, compareModuleVersions, type GoMod, type ModuleVersion, replacementOf } from '#formats';
import { type ModuleGraph, nameOf, readGraph, type ReadGoMod } from './module-graph.ts';

/** Why a requirement changes. */
export type ChangeCause =
  /** It is a floor: a finding is fixed from here on. */
  | { readonly kind: 'floor' }
  /** Another module requires it; `by` is `path@version`. */
  | { readonly kind: 'required'; readonly by: string }
  /** A package is imported that only it has, since something else was raised. */
  | { readonly kind: 'imported'; readonly package: string }
  /** What would be selected else must not be: its authors took it back, or an advisory touches it. */
  | { readonly kind: 'avoids'; readonly version: string; readonly reason: string };

/** One changed requirement of the main go.mod; without `from` it is a new one. */
export interface RequirementChange {
  readonly path: string;
  readonly from?: string;
  readonly to: string;
  readonly indirect: boolean;
  readonly cause: ChangeCause;
}

/** A least version of a module, and why it is one; a finding's by default. */
export interface FloorVersion extends ModuleVersion {
  readonly cause?: ChangeCause;
}

/** What to solve: the main go.mod, and the floors to hold. */
export interface Problem {
  readonly main: GoMod;
  readonly floors: readonly FloorVersion[];
}

/** A consistent set of requirements that holds every floor. */
export interface Solution {
  readonly changes: readonly RequirementChange[];
  /** The go line, where it must be raised, and which module asks for it (`path@version`). */
  readonly go?: { readonly from: string; readonly to: string; readonly by: string };
  /** Every module the main go.mod requires afterwards, to its version. */
  readonly require: ReadonlyMap<string, string>;
  readonly graph: ModuleGraph;
}

/**
 * Solves all floors together by minimal version selection, as Go itself does when it updates a go.mod: each requirement is
 * raised to its floor, then to what the module graph selects, until both agree. Nothing is ever lowered, so the order of
 * floors does not matter, and a floor that needs a newer version of another module gets it. Reads nothing but go.mod files.
 */
export async function solve(problem: Problem, readGoMod: ReadGoMod): Promise<Solution> {
  const { main, floors } = problem;
  const before = new Map(main.require.map((one) => [one.path, one.version]));
  const roots = new Map(before);
  for (const floor of floors) raise(roots, floor);
  for (;;) {
    const graph = await readGraph(main, roots, readGoMod);
    const wanted = new Map(roots);
    for (const path of roots.keys()) {
      const version = graph.selected.get(path);
      if (version !== undefined) raise(wanted, { path, version });
    }
    if (wanted.size === roots.size && [...wanted].every(([path, version]) => roots.get(path) === version))
      return toSolution(problem, before, roots, graph);
    for (const [path, version] of wanted) roots.set(path, version);
  }
}

/** Gives the floors that a set of requirements does not hold; a module that a replacement stands in for is never held. */
export function unheldFloors(
  main: GoMod,
  require: ReadonlyMap<string, string>,
  floors: readonly ModuleVersion[],
): readonly ModuleVersion[] {
  return floors.filter(({ path, version }) => {
    const found = require.get(path);
    const isReplaced = found !== undefined && replacementOf(main, { path, version: found }) !== undefined;
    return found === undefined || isReplaced || compareModuleVersions(found, version) < 0;
  });
}

function raise(roots: Map<string, string>, { path, version }: ModuleVersion): void {
  const known = roots.get(path);
  if (known === undefined || compareModuleVersions(version, known) > 0) roots.set(path, version);
}

function toSolution(
  problem: Problem,
  before: ReadonlyMap<string, string>,
  require: ReadonlyMap<string, string>,
  graph: ModuleGraph,
): Solution {
  const { main } = problem;
  const direct = new Set(main.require.filter((one) => !one.indirect).map((one) => one.path));
  const changes = [...require]
    .filter(([path, version]) => before.get(path) !== version)
    .map(([path, to]): RequirementChange => {
      const from = before.get(path);
      const cause = causeOf({ path, version: to }, problem, graph);
      return { path, ...(from === undefined ? {} : { from }), to, indirect: !direct.has(path), cause };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const from = main.go ?? '1.16';
  const raised = graph.go !== undefined && compareGoVersions(graph.go.version, from) > 0 ? graph.go : undefined;
  return {
    changes,
    require,
    graph,
    ...(raised === undefined ? {} : { go: { from, to: raised.version, by: nameOf(raised.by) } }),
  };
}

/** A module that lies where a floor put it is there for the floor's reason, else somebody requires it. */
function causeOf(module: ModuleVersion, { floors }: Problem, graph: ModuleGraph): ChangeCause {
  const floor = floors.find((one) => nameOf(one) === nameOf(module));
  if (floor !== undefined) return floor.cause ?? { kind: 'floor' };
  const by = graph.requiredBy.get(module.path);
  return { kind: 'required', by: by === undefined ? 'an earlier version of a requirement' : nameOf(by) };
}
