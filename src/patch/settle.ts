// SPDX-License-Identifier: Apache-2.0
import { compareGoVersions, type GoMod, type ModuleVersion } from '#formats';
import type { Advisory } from '#vulnerabilities';
import { type Floor, isTouched } from './floors.ts';
import { nameOf, type ReadGoMod } from './module-graph.ts';
import { keepWhatWorks } from './search.ts';
import type { Shelf } from './shelf.ts';
import { type FloorVersion, solve, type Solution } from './solve.ts';

/** What is to be brought together: floors, and what else must hold of the result. */
export interface SettleRequest {
  readonly main: GoMod;
  readonly floors: readonly Floor[];
  /** All advisories that name a module of the graph. */
  readonly advisories: readonly Advisory[];
  readonly shelf: Shelf;
  readonly readGoMod: ReadGoMod;
  /** The release of Go that compiles (`go1.27.3`). */
  readonly toolchain: string;
  /** Which modules must be added, since packages of theirs are imported that nothing in go.mod provides. */
  readonly findImported: (solution: Solution) => Promise<readonly FloorVersion[]>;
}

/** A solution, and the floors that had to be left out of it. */
export interface Settled {
  readonly solution: Solution;
  readonly kept: readonly Floor[];
  readonly dropped: readonly { readonly item: Floor; readonly fault: string }[];
  /** What could not be brought in order, in sentences. */
  readonly notes: readonly string[];
}

const MAX_ROUNDS = 12;

/**
 * Solves floors together, then again as long as the solution has a flaw that a further floor mends: a version that was
 * retracted or that an advisory touches which did not touch the version before, or an import without a module. Floors that
 * need a newer Go than the toolchain are left out.
 */
export async function settle(request: SettleRequest): Promise<Settled> {
  const { main, readGoMod } = request;
  const { kept, dropped } = await keepWhatWorks(request.floors, async (floors) =>
    goFault(await solve({ main, floors }, readGoMod), request.toolchain),
  );
  const notes: string[] = [];
  let further: readonly FloorVersion[] = [];
  for (let round = 0; ; round += 1) {
    const solution = await solve({ main, floors: [...kept, ...further] }, readGoMod);
    const avoided = await avoidFlaws(solution, request, notes);
    const found = avoided.length > 0 ? avoided : await request.findImported(solution);
    const fresh = found.filter((one) => !further.some((other) => nameOf(other) === nameOf(one)));
    if (fresh.length === 0 || round === MAX_ROUNDS) {
      const fault = goFault(solution, request.toolchain);
      return { solution, kept, dropped, notes: [...new Set(fault === undefined ? notes : [...notes, fault])] };
    }
    further = [...further, ...fresh];
  }
}

/** Gives why the toolchain can't compile a solution. */
function goFault(solution: Solution, toolchain: string): string | undefined {
  const { go } = solution;
  if (go === undefined || compareGoVersions(go.to, toolchain) <= 0) return undefined;
  return `${go.by} needs Go ${go.to}, and the toolchain is ${toolchain}`;
}

/** A raised version that must not be used makes way for the next one; where there is none it stays, with a note. */
async function avoidFlaws(solution: Solution, request: SettleRequest, notes: string[]): Promise<FloorVersion[]> {
  const found = await Promise.all(
    solution.changes.map(async ({ path, from, to }): Promise<FloorVersion | string | undefined> => {
      const isOpened = (version: string) => openedBy({ path, version }, from, request.advisories) !== undefined;
      const opened = openedBy({ path, version: to }, from, request.advisories);
      const reason = opened ?? (await request.shelf.flawOf({ path, version: to }));
      if (reason === undefined) return undefined;
      const next = await request.shelf.nextUsable({ path, version: to }, isOpened);
      if ('version' in next && next.version !== to)
        return { path, version: next.version, cause: { kind: 'avoids', version: to, reason } };
      return `${path} ${to} is needed although: ${reason}`;
    }),
  );
  notes.push(...found.filter((one) => typeof one === 'string'));
  return found.filter((one) => typeof one === 'object');
}

/** The first advisory that touches a version, and did not touch the one before. */
function openedBy(
  module: ModuleVersion,
  from: string | undefined,
  advisories: readonly Advisory[],
): string | undefined {
  const opened = advisories.find(
    (one) => isTouched(module, one) && (from === undefined || !isTouched({ path: module.path, version: from }, one)),
  );
  return opened === undefined ? undefined : `${opened.id} touches it`;
}
