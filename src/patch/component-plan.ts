// SPDX-License-Identifier: Apache-2.0
import { join, normalize } from 'node:path';
import { readFile } from 'node:fs/promises';
import { digestOf, type Platform } from '#core';
import type { LockedOverlay } from '#definition';
import { compareModuleVersions, type GoMod, parseGoMod, parseGoSum, replacementOf, type SumLine } from '#formats';
import type { Sources } from '#sources';
import { type Advisory, type Finding, type ScanGap, toAdvisory } from '#vulnerabilities';
import { PatchError } from './error.ts';
import { findFloors, type Floor, type Staying, toStaying } from './floors.ts';
import { nameOf, type ReadGoMod } from './module-graph.ts';
import { editModuleFiles, type ModuleFiles, readModuleFiles } from './overlay.ts';
import { findProvider, listMissing, type PackageTools } from './packages.ts';
import { type Settled, settle } from './settle.ts';
import type { Shelf } from './shelf.ts';
import { type FloorVersion, type Solution, unheldFloors } from './solve.ts';
import type { ComponentPlan, PatchPolicy, PatchTarget, PatchTools, PlannedChange } from './types.ts';
import { bestRelease, readUpstream, type UpstreamReading, upstreamVersion } from './upstream.ts';

/** A component's source, opened for planning. */
export interface OpenComponent {
  readonly target: PatchTarget;
  readonly folder: string;
  readonly files: ModuleFiles;
  readonly main: GoMod;
}

/** What planning one component needs beside itself. */
export interface ComponentRequest {
  readonly open: OpenComponent;
  readonly findings: readonly Finding[];
  readonly gaps: readonly ScanGap[];
  readonly policy: PatchPolicy;
  readonly toolchain: string;
  readonly platforms: readonly Platform[];
  readonly shelf: Shelf;
  readonly packages: PackageTools;
  /** Leaves out floors that a build has shown not to work, each with the reason. */
  readonly without?: readonly { readonly path: string; readonly reason: string }[];
}

/** Opens a component's proved source. */
export async function openComponent(target: PatchTarget, sources: Sources): Promise<OpenComponent> {
  const { module, nested } = target.locked;
  const { path: folder } = await sources.compose(module, nested);
  const files = await readModuleFiles(folder);
  return { target, folder, files, main: parseGoMod(files.goMod) };
}

/** Plans one component: floors of its findings, solved together, and what of it goes into go.mod and go.sum. */
export async function planComponent(
  request: ComponentRequest,
  tools: Pick<PatchTools, 'feeds'>,
): Promise<ComponentPlan> {
  const { open, findings, shelf } = request;
  const { target, main } = open;
  const [advisories, upstream] = await Promise.all([
    readAdvisories(main, findings, tools),
    readUpstream(target.locked.module, shelf),
  ]);
  const wanted = await chooseFloors(request, advisories, upstream);
  const settled = await settle({
    main,
    floors: wanted.floors,
    advisories,
    shelf,
    readGoMod: goModReader(open, shelf),
    toolchain: request.toolchain,
    findImported: (solution) => findImported(request, solution),
  });
  const unheld = unheldFloors(main, settled.solution.require, settled.kept);
  const [missed] = unheld;
  if (missed !== undefined)
    throw new PatchError('GO_MOD_INVALID', `the plan does not hold ${nameOf(missed)}`, { where: target.component });
  return toPlan(request, { settled, staying: wanted.staying, upstream });
}

/** Every advisory of every module that the graph may end up with a newer version of. */
async function readAdvisories(main: GoMod, findings: readonly Finding[], { feeds }: Pick<PatchTools, 'feeds'>) {
  const names = new Set([...main.require.map((one) => one.path), ...findings.map((one) => one.package.name)]);
  return (await feeds.advisories('Go', names)).map(toAdvisory);
}

async function chooseFloors(
  { open, findings, policy, shelf, without = [] }: ComponentRequest,
  advisories: readonly Advisory[],
  upstream: UpstreamReading,
): Promise<{ readonly floors: readonly Floor[]; readonly staying: readonly Staying[] }> {
  const reading = findFloors(findings, advisories);
  const floors: Floor[] = [];
  const staying: Staying[] = [...reading.staying];
  const leave = (floor: Floor, reason: string) =>
    staying.push(
      ...findings
        .filter((one) => one.package.name === floor.path && floor.findings.includes(one.id))
        .map((one) => toStaying(one, reason)),
    );
  for (const floor of reading.floors) {
    const left = without.find((one) => one.path === floor.path)?.reason ?? refusal(floor, { open, policy, upstream });
    const usable = left === undefined ? await shelf.nextUsable(floor, () => false) : { flaw: left };
    if ('flaw' in usable) leave(floor, usable.flaw);
    else floors.push({ ...floor, version: usable.version });
  }
  return { floors, staying };
}

/** Why a floor must not be taken, whatever its version is. */
function refusal(
  floor: Floor,
  { open, policy, upstream }: { open: OpenComponent; policy: PatchPolicy; upstream: UpstreamReading },
): string | undefined {
  if (replacementOf(open.main, { path: floor.path, version: floor.from }) !== undefined)
    return `go.mod replaces ${floor.path}, and replacements are upstream's to change`;
  const theirs = upstreamVersion(floor.path, upstream);
  if (policy.pastUpstream || theirs === undefined || compareModuleVersions(floor.version, theirs) <= 0)
    return undefined;
  return `its fix ${floor.version} is past ${theirs}, the newest that upstream's later releases require`;
}

/** Reads go.mod files: where the proved go.sum names one, by that hash, else by the checksum database. */
function goModReader({ folder, files }: OpenComponent, shelf: Shelf): ReadGoMod {
  const sums = new Map(
    parseGoSum(files.goSum)
      .filter((line) => line.of === 'go.mod')
      .map((line) => [nameOf(line), line.hash]),
  );
  return async (place) => {
    if (place.kind === 'folder') {
      const inside = normalize(place.folder);
      if (inside.startsWith('..') || inside.startsWith('/'))
        throw new PatchError('GO_MOD_INVALID', `a replacement lies outside of the module: ${place.folder}`);
      return parseGoMod(await readFile(join(folder, inside, 'go.mod'), 'utf8'));
    }
    const modHash = sums.get(nameOf(place.module));
    return shelf.goMod({ ...place.module, ...(modHash === undefined ? {} : { modHash }) });
  };
}

/** Asks Go what the edited files lack; gives each package's module, which then is a requirement of its own. */
async function findImported(request: ComponentRequest, solution: Solution): Promise<readonly FloorVersion[]> {
  if (solution.changes.length === 0) return [];
  const { open, packages, platforms } = request;
  const edited = editModuleFiles(open.files, await editsOf(solution, open, packages.sources));
  const { component, locked } = open.target;
  const nested = locked.nested.map((one) => one.zipHash);
  const identity = { main: locked.module.zipHash, nested, toolchain: request.toolchain };
  const source = { component, folder: open.folder, identity, platforms };
  const missing = await listMissing(source, edited, packages);
  const found = await Promise.all(missing.map((one) => findProvider(one, solution, packages.sources)));
  const providers = found.filter((one) => one !== undefined);
  return [...new Map(providers.map((one) => [one.path, one])).values()];
}

type Edits = Pick<LockedOverlay, 'requires' | 'go' | 'sums'>;

/** Gives the edits of a solution: its changed requirements, and a proved go.sum line for all that is new in the graph. */
async function editsOf(solution: Solution, { main, files }: OpenComponent, sources: Sources): Promise<Edits> {
  const known = new Set(parseGoSum(files.goSum).map(sumName));
  const zips = solution.changes
    .map(({ path, to }) => ({ path, version: to }))
    .filter((module) => replacementOf(main, module) === undefined && !known.has(sumName({ ...module, of: 'zip' })));
  const mods = solution.graph.read.filter((module) => !known.has(sumName({ ...module, of: 'go.mod' })));
  const wanted = new Map([...mods, ...zips].map((module) => [nameOf(module), module]));
  const isZip = new Set(zips.map(nameOf));
  const sums = await Promise.all(
    [...wanted.values()]
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
      .map(async (module) => {
        const { path, version, zipHash, modHash, proof } = await sources.prove(module);
        return { path, version, ...(isZip.has(nameOf(module)) ? { zipHash } : {}), modHash, proof };
      }),
  );
  const requires = solution.changes.map((change) => ({ ...change, findings: [] }));
  return { requires, sums, ...(solution.go === undefined ? {} : { go: solution.go }) };
}

function sumName({ path, version, of }: Pick<SumLine, 'path' | 'version' | 'of'>): string {
  return `${path}@${version} ${of}`;
}

interface Outcome {
  readonly settled: Settled;
  readonly staying: readonly Staying[];
  readonly upstream: UpstreamReading;
}

async function toPlan(request: ComponentRequest, outcome: Outcome): Promise<ComponentPlan> {
  const { open, findings, gaps, packages } = request;
  const { target, files } = open;
  const { solution, kept, dropped, notes } = outcome.settled;
  const changes = solution.changes.map((change) => toChange(change, kept, outcome.upstream));
  const refused = dropped.flatMap(({ item, fault }) =>
    findings
      .filter((one) => one.package.name === item.path && item.findings.includes(one.id))
      .map((one) => toStaying(one, fault)),
  );
  const patches = target.patches.map(({ file, text }) => ({ file, digest: digestOf(text) }));
  const edits = { ...(await editsOf(solution, open, packages.sources)), requires: changes.map(toLockedChange) };
  const edited = editModuleFiles(files, edits);
  const overlay: LockedOverlay = {
    ...edits,
    goMod: digestOf(edited.goMod),
    goSum: digestOf(edited.goSum),
    patches,
  };
  const best = bestRelease(outcome.upstream, [...kept, ...dropped.map((one) => one.item)]);
  return {
    component: target.component,
    version: target.locked.module.version,
    basis: target.compiled === undefined ? 'go.mod' : 'the compiled program',
    findings: findings.length,
    fixed: [...new Set(kept.flatMap((floor) => floor.findings))].sort(),
    changes,
    ...(solution.go === undefined ? {} : { go: solution.go }),
    patches,
    staying: [...outcome.staying, ...refused],
    upstream: {
      ...(best === undefined ? {} : { best }),
      ...(outcome.upstream.unknown === undefined ? {} : { unknown: outcome.upstream.unknown }),
    },
    notes: [...notes, ...(await deprecations(changes, request.shelf))],
    gaps,
    ...(changes.length + patches.length === 0 ? {} : { overlay }),
  };
}

function toChange(
  change: Solution['changes'][number],
  floors: readonly Floor[],
  upstream: UpstreamReading,
): PlannedChange {
  const { path, from, to } = change;
  const theirs = upstreamVersion(path, upstream);
  const minor = (version: string) => version.split('.', 2).join('.');
  return {
    ...change,
    findings: floors.filter((floor) => floor.path === path).flatMap((floor) => floor.findings),
    ...(from === undefined ? {} : { move: minor(from) === minor(to) ? 'patch' : 'minor' }),
    ...(theirs !== undefined && compareModuleVersions(to, theirs) > 0 ? { pastUpstream: theirs } : {}),
  };
}

function toLockedChange({
  path,
  from,
  to,
  indirect,
  cause,
  findings,
}: PlannedChange): LockedOverlay['requires'][number] {
  return { path, ...(from === undefined ? {} : { from }), to, indirect, cause, findings: [...findings] };
}

/** A deprecated module is told, not refused: it was there before, and its fix is a fix. */
async function deprecations(changes: readonly PlannedChange[], shelf: Shelf): Promise<readonly string[]> {
  const found = await Promise.all(changes.map(async ({ path }) => ({ path, message: await shelf.deprecation(path) })));
  return found.flatMap(({ path, message }) => (message === undefined ? [] : [`${path} is deprecated: ${message}`]));
}
