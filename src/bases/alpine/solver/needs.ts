// SPDX-License-Identifier: Apache-2.0
import { type ApkDependency, compareAlpineVersions } from '#formats';
import type { Candidate } from './catalog.ts';
import type { Clause } from './clause.ts';
import { satisfies, type Universe } from './universe.ts';

/** Why a clause holds. `owner` is a variable; 1 is the base's own list. */
export type Origin =
  | {
      readonly kind: 'need';
      readonly owner: number;
      readonly dependency: ApkDependency;
      readonly providers: readonly number[];
    }
  | { readonly kind: 'conflict'; readonly owner: number; readonly dependency: ApkDependency; readonly other: number }
  | { readonly kind: 'same'; readonly owner: number; readonly other: number; readonly name: string };

/** One dependency of something, and what may meet it, the best first. */
export interface Need {
  readonly origin: Extract<Origin, { kind: 'need' }>;
  readonly rank: number;
}

/** The rules of a universe, as the search asks for them. */
export interface Rules {
  /** Gives the needs of a variable; the same objects each time. */
  needsOf(variable: number): readonly Need[];
  clausesOf(variable: number): Iterable<Clause<Origin>>;
  rivalsOf(variable: number): Iterable<readonly [rival: number, origin: Origin]>;
  /** The name of a variable's package; empty for 1. */
  nameOf(variable: number): string;
  /** Whether apk takes a candidate for a name without being told to. */
  isTakenFor(name: string, variable: number): boolean;
  /** Variables with an install_if that may be taken, the best of a name first. */
  readonly selfInstalling: readonly number[];
  /** Whether all that the install_if of one of those waits for is there, and nothing that it excludes. */
  isTriggered(variable: number, isThere: (variable: number) => boolean): boolean;
}

/**
 * Gives apk's rules: a dependency wants one of its providers; two packages of one name, or that provide one name with a version, exclude
 * each other; `!name` excludes what provides it, but the package itself. Only packages of repositories without a tag may be taken, and
 * those of a tag that a word of the list names, for what that word needs.
 */
export function createRules(universe: Universe): Rules {
  const { candidates, world } = universe;
  const pins = readPins(universe);
  const candidate = (variable: number) => candidates[variable] as Candidate;
  const dependenciesOf = (variable: number) => (variable === 1 ? world : candidate(variable).depends);

  function isTakenFor(name: string, variable: number): boolean {
    const { package: one, provides } = candidate(variable);
    return one.name === name || provides.get(name) !== undefined || one.providerPriority > 0;
  }

  function needOf(owner: number, dependency: ApkDependency): Need {
    const usable = providersOf(dependency, universe).filter((one) => {
      return dependency.broken !== true && isUsable(one) && pins.isAllowed(one);
    });
    const providers = bestFirst(usable, dependency.name, pins).map((one) => universe.variableOf(one) ?? 0);
    return { origin: { kind: 'need', owner, dependency, providers }, rank: universe.rankOf(dependency.name) };
  }

  const needsOf = keepEach((variable): readonly Need[] =>
    dependenciesOf(variable)
      .filter((one) => !one.conflict)
      .map((one) => needOf(variable, one)),
  );

  const selfInstalling = findSelfInstalling(universe, pins);
  const triggersOf = keepEach((variable): readonly Trigger[] =>
    candidate(variable).installIf.map((condition) => ({
      conflict: condition.conflict,
      variables: providersOf(condition, universe).flatMap((one) => universe.variableOf(one) ?? []),
    })),
  );

  function isTriggered(variable: number, isThere: (variable: number) => boolean): boolean {
    return triggersOf(variable).every(({ conflict, variables }) => variables.some(isThere) !== conflict);
  }

  return {
    needsOf,
    nameOf: (variable) => candidates[variable]?.package.name ?? '',
    isTakenFor,
    selfInstalling,
    isTriggered,
    *clausesOf(variable) {
      for (const { origin } of needsOf(variable)) yield { literals: [-variable, ...new Set(origin.providers)], origin };
    },
    *rivalsOf(owner) {
      yield* excludedBy(owner, dependenciesOf(owner), universe);
      if (owner !== 1) yield* likeNamed(owner, universe);
    },
  };
}

type Rival = readonly [rival: number, origin: Origin];

/** Gives what the `!name` of a variable exclude, but the package itself. */
function* excludedBy(owner: number, dependencies: readonly ApkDependency[], universe: Universe): Generator<Rival> {
  for (const dependency of dependencies) {
    if (!dependency.conflict) continue;
    for (const one of providersOf(dependency, universe)) {
      const other = universe.variableOf(one);
      if (other !== undefined && other !== owner) yield [other, { kind: 'conflict', owner, dependency, other }];
    }
  }
}

/** Gives what can't be beside a package as one of the two provides, with a version, a name that both provide. */
function* likeNamed(owner: number, universe: Universe): Generator<Rival> {
  for (const [name, version] of universe.candidates[owner]?.provides ?? []) {
    for (const one of universe.catalog.providersOf(name)) {
      const other = universe.variableOf(one);
      if (other === undefined || other === owner) continue;
      if (version !== undefined || one.provides.get(name) !== undefined) {
        yield [other, { kind: 'same', owner, other, name }];
      }
    }
  }
}

function providersOf(dependency: ApkDependency, { catalog }: Universe): readonly Candidate[] {
  return catalog.providersOf(dependency.name).filter((one) => satisfies(dependency, one));
}

/** Gives a function whose answer for a variable is found once and is the same object from then on. */
function keepEach<T>(find: (variable: number) => T): (variable: number) => T {
  const known = new Map<number, T>();
  return (variable) => {
    const found = known.get(variable) ?? find(variable);
    known.set(variable, found);
    return found;
  };
}

function isUsable(one: Candidate): boolean {
  return !one.isSelfContradictory && !one.depends.some(({ broken }) => broken === true);
}

/** One condition of an install_if: any of these must be there, or none where it excludes them. */
interface Trigger {
  readonly conflict: boolean;
  readonly variables: readonly number[];
}

function findSelfInstalling({ candidates }: Universe, pins: Pins): readonly number[] {
  const found = candidates.flatMap((one, variable) => {
    if (one === undefined || one.installIf.length === 0 || !pins.isAllowed(one)) return [];
    // One that waits for its own absence would come and go; apk does not take it either.
    const isVain = one.installIf.some((own) => own.broken === true || (own.conflict && satisfies(own, one)));
    return isUsable(one) && !isVain ? [{ one, variable }] : [];
  });
  const byName = Map.groupBy(found, ({ one }) => one.package.name);
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, list]) => {
      const best = bestFirst(
        list.map(({ one }) => one),
        name,
        pins,
      );
      return best.flatMap((one) => list.filter((other) => other.one === one).map(({ variable }) => variable));
    });
}

interface Pins {
  isAllowed(candidate: Candidate): boolean;
  isPreferred(candidate: Candidate): boolean;
}

/** What a word with a tag names may come from repositories of that tag, and what it needs as well, but that rather from the others. */
function readPins({ world, catalog }: Universe): Pins {
  const allowed = new Map<Candidate, Set<string>>();
  const preferred = new Map<Candidate, string>();
  for (const dependency of world) {
    const { tag } = dependency;
    if (tag === undefined || dependency.conflict) continue;
    const pending = [dependency];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const one of catalog.providersOf(next.name)) {
        if (!satisfies(next, one)) continue;
        if (next === dependency) preferred.set(one, tag);
        const tags = allowed.get(one) ?? new Set();
        if (tags.has(tag)) continue;
        allowed.set(one, tags.add(tag));
        pending.push(...one.depends.filter(({ conflict }) => !conflict));
        const installed = [...one.provides.keys()].flatMap((name) => catalog.installedBy(name));
        pending.push(...installed.map((name) => ({ name, conflict: false })));
      }
    }
  }
  return {
    isAllowed: (one) => one.tags.has('') || [...(allowed.get(one) ?? [])].some((tag) => one.tags.has(tag)),
    isPreferred: (one) => one.tags.has(preferred.get(one) ?? ''),
  };
}

/** Sorts by choosing the best again and again: apk's order is none that a sort could rely on, as versions are compared only where both have one. */
function bestFirst(candidates: readonly Candidate[], name: string, pins: Pins): readonly Candidate[] {
  if (candidates.length > 64) return candidates.toSorted((a, b) => -compareFor(name, a, b, pins));
  const left = [...candidates];
  const sorted: Candidate[] = [];
  while (left.length > 0) {
    const best = left.reduce((a, b) => (compareFor(name, b, a, pins) > 0 ? b : a));
    left.splice(left.indexOf(best), 1);
    sorted.push(best);
  }
  return sorted;
}

/** Positive where `a` is to be taken for a name rather than `b`; 0 where nothing tells them apart but their order. */
function compareFor(name: string, a: Candidate, b: Candidate, pins: Pins): number {
  const [versionA, versionB] = [a.provides.get(name), b.provides.get(name)];
  return (
    Number(pins.isPreferred(a)) - Number(pins.isPreferred(b)) ||
    (versionA === undefined || versionB === undefined ? 0 : compareAlpineVersions(versionA, versionB)) ||
    (a.package.name === b.package.name ? compareAlpineVersions(a.package.version, b.package.version) : 0) ||
    a.package.providerPriority - b.package.providerPriority ||
    b.shelf - a.shelf
  );
}
