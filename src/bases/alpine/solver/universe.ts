// SPDX-License-Identifier: Apache-2.0
import { type ApkDependency, meetsApkVersion } from '#formats';
import { type Candidate, type Catalog, nameIn } from './catalog.ts';
import { runDeep } from './run-deep.ts';

/** What can be reached from a base's own list. Variable 1 is that list, the others are candidates. */
export interface Universe {
  readonly catalog: Catalog;
  /** Sorted. */
  readonly world: readonly ApkDependency[];
  /** By variable; 0 and 1 are empty. */
  readonly candidates: readonly (Candidate | undefined)[];
  variableOf(candidate: Candidate): number | undefined;
  /** In apk's order of choosing: names that more others wait for come first, real ones before those only provided. */
  rankOf(name: string): number;
}

/** Walks from the list through all dependencies of all candidates, and what installs itself beside them. */
export function discover(world: readonly ApkDependency[], catalog: Catalog): Universe {
  const candidates: (Candidate | undefined)[] = [undefined, undefined];
  const variables = new Map<Candidate, number>();
  const ranks = new Map<string, number>();
  const seen = new Set<string>();

  function* visit(name: string): Generator<Generator, void, undefined> {
    seen.add(name);
    const providers = catalog.providersOf(name);
    for (const candidate of providers) {
      if (variables.has(candidate)) continue;
      variables.set(candidate, candidates.length);
      candidates.push(candidate);
      for (const word of candidate.package.depends) {
        const next = nameIn(word);
        if (!seen.has(next)) yield visit(next);
      }
    }
    for (const { package: one } of providers) {
      for (const next of catalog.installedBy(one.name)) if (!seen.has(next)) yield visit(next);
      for (const word of one.provides) {
        const next = nameIn(word);
        if (!catalog.isPlain(next) && !seen.has(next)) yield visit(next);
      }
    }
    for (const next of catalog.installedBy(name)) if (!seen.has(next)) yield visit(next);
    const isReal = providers.some((one) => one.package.name === name);
    ranks.set(name, ranks.size + (isReal ? 2 ** 30 : 0));
    for (const { package: one } of providers) {
      for (const word of one.installIf) {
        const next = nameIn(word);
        if (!seen.has(next)) yield visit(next);
      }
    }
  }

  for (const dependency of world) {
    if (!seen.has(dependency.name)) runDeep(visit(dependency.name));
  }
  return {
    catalog,
    world,
    candidates,
    variableOf: (candidate) => variables.get(candidate),
    rankOf: (name) => ranks.get(name) ?? -1,
  };
}

/** apk goes through a world by name; the rest of a word decides among those of one name, so that their order does not. */
export function sortedWorld(world: readonly ApkDependency[]): readonly ApkDependency[] {
  const keyOf = ({ name, conflict, tag = '', operator = '', version = '' }: ApkDependency) =>
    [name, String(conflict), operator, version, tag].join(' ');
  return world
    .map((one) => ({ one, key: keyOf(one) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ one }) => one);
}

/** Says whether a candidate provides what a dependency names, in a version that meets it. */
export function satisfies(dependency: ApkDependency, candidate: Candidate): boolean {
  if (!candidate.provides.has(dependency.name)) return false;
  const version = candidate.provides.get(dependency.name);
  return meetsApkVersion(dependency, { version, checksum: candidate.package.checksum });
}
