// SPDX-License-Identifier: Apache-2.0
import { compareModuleVersions, isCanonicalModuleVersion, majorOf, type ModuleVersion } from '#formats';
import { type Advisory, evaluate, type Finding } from '#vulnerabilities';

/** The least version of a module from which on its findings are fixed, and which they are. */
export interface Floor extends ModuleVersion {
  readonly from: string;
  readonly findings: readonly string[];
}

/** A finding that a plan does not fix, and why. */
export interface Staying {
  readonly id: string;
  readonly ecosystem: string;
  readonly package: string;
  readonly version: string;
  readonly reason: string;
}

/** What {@link findFloors} gives: floors in the order of paths, and what has none. */
export interface FloorReading {
  readonly floors: readonly Floor[];
  readonly staying: readonly Staying[];
}

/** Go's own parts, whose versions are releases of Go: the toolchain fixes them, not go.mod. */
const OF_GO = new Set(['stdlib', 'toolchain']);

/**
 * Takes findings in Go modules and all advisories that name these modules; gives for each module the least version above the
 * present one, on the same major, that fixes the most findings and that no other advisory touches. The ranges of the
 * advisories decide, not the one fix that a finding names: what fixes one flaw can lie in the range of another.
 */
export function findFloors(findings: readonly Finding[], advisories: readonly Advisory[]): FloorReading {
  const modules = Map.groupBy(
    findings.filter((one) => one.package.ecosystem === 'Go' && !OF_GO.has(one.package.name)),
    (one) => `${one.package.name}\n${one.package.version}`,
  );
  const readings = [...modules.values()].map((own) => floorOf(own, advisories));
  return {
    floors: readings.flatMap((one) => one.floors).sort((a, b) => (a.path < b.path ? -1 : 1)),
    staying: readings.flatMap((one) => one.staying),
  };
}

/** Says whether an advisory that is not withdrawn touches a version of a module. */
export function isTouched({ path, version }: ModuleVersion, advisory: Advisory): boolean {
  if (advisory.withdrawn !== undefined) return false;
  const own = advisory.affected.filter((one) => one.ecosystem === 'Go' && one.name === path);
  return own.some((entry) => evaluate(entry, version).kind === 'affected');
}

/** Gives a finding as one that stays. */
export function toStaying(finding: Finding, reason: string): Staying {
  const { ecosystem, name, version } = finding.package;
  return { id: finding.id, ecosystem, package: name, version, reason };
}

function floorOf(findings: readonly Finding[], advisories: readonly Advisory[]): FloorReading {
  const [first] = findings;
  if (first === undefined) return { floors: [], staying: [] };
  const { name: path, version: from } = first.package;
  const naming = advisories.filter((one) => one.affected.some((entry) => entry.name === path));
  const present = new Set(naming.filter((one) => isTouched({ path, version: from }, one)).map((one) => one.id));
  const candidates = fixesAbove({ path, version: from }, naming);
  const openAt = (version: string) => findings.filter((one) => isOpen(one, { path, version }, naming));
  const isNewlyTouched = (version: string) =>
    naming.some((one) => !present.has(one.id) && isTouched({ path, version }, one));
  const usable = candidates.filter((version) => !isNewlyTouched(version));
  const ranked = usable.map((version) => ({ version, open: openAt(version) }));
  const best = ranked.toSorted((a, b) => a.open.length - b.open.length)[0]; // stable: of equals the least version
  if (best === undefined || best.open.length === findings.length)
    return { floors: [], staying: findings.map((one) => toStaying(one, noFixReason(one, from, naming))) };
  const fixed = findings.filter((one) => !best.open.includes(one)).map((one) => one.id);
  const reason = (one: Finding) =>
    ranked.some(({ open }) => !open.includes(one))
      ? `what fixes it leaves more open: no version fixes it together with ${fixed.join(', ')}`
      : noFixReason(one, from, naming);
  return {
    floors: [{ path, version: best.version, from, findings: fixed }],
    staying: best.open.map((one) => toStaying(one, reason(one))),
  };
}

/** A finding is open while any advisory that made it touches the version. */
function isOpen(finding: Finding, module: ModuleVersion, advisories: readonly Advisory[]): boolean {
  const own = new Set(finding.matches.map((match) => match.advisory));
  return advisories.some((one) => own.has(one.id) && isTouched(module, one));
}

/** Versions that an advisory calls fixed, above the present one and of its major, least first. */
function fixesAbove(present: ModuleVersion, advisories: readonly Advisory[]): readonly string[] {
  const fixes = allFixes(present, advisories).filter((version) => majorOf(version) === majorOf(present.version));
  return [...new Set(fixes)].sort(compareModuleVersions);
}

function allFixes(present: ModuleVersion, advisories: readonly Advisory[]): readonly string[] {
  const entries = advisories.flatMap((one) => one.affected).filter((entry) => entry.name === present.path);
  const events = entries.flatMap((entry) => entry.ranges).flatMap((range) => range.events);
  return events
    .filter((event) => event.kind === 'fixed')
    .map((event) => toModuleVersion(event.version, present.version))
    .filter((version) => isCanonicalModuleVersion(version) && compareModuleVersions(version, present.version) > 0);
}

/** OSV leaves out the `v`, and the `+incompatible` that Go writes after a major version without a go.mod. */
function toModuleVersion(version: string, present: string): string {
  const plain = version.startsWith('v') ? version : `v${version}`;
  return present.endsWith('+incompatible') && !plain.includes('+') ? `${plain}+incompatible` : plain;
}

function noFixReason(finding: Finding, from: string, advisories: readonly Advisory[]): string {
  const own = new Set(finding.matches.map((match) => match.advisory));
  const fixes = allFixes(
    { path: finding.package.name, version: from },
    advisories.filter((one) => own.has(one.id)),
  );
  const other = fixes.find((version) => majorOf(version) !== majorOf(from));
  if (other !== undefined) return `it is fixed in ${other} only, another major version`;
  return fixes.length === 0 ? 'no fix is known' : `its fix ${fixes[0]} is touched by another advisory`;
}
