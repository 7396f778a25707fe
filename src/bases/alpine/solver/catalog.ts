// SPDX-License-Identifier: Apache-2.0
import { type ApkDependency, type IndexedAlpinePackage, parseApkDependency } from '#formats';

/** A repository's packages, as the solver takes them; the order of repositories counts. */
export interface Shelf {
  readonly packages: readonly IndexedAlpinePackage[];
  readonly tag?: string;
}

/** A package that could be taken. */
export interface Candidate {
  readonly package: IndexedAlpinePackage;
  /** The first repository that has it, as a number in the order of the shelves. */
  readonly shelf: number;
  /** The tags of the repositories that have it; `''` stands for one without a tag. */
  readonly tags: ReadonlySet<string>;
  /** It provides a name twice, of which only one may be there: apk takes no such package. */
  readonly isSelfContradictory: boolean;
  readonly depends: readonly ApkDependency[];
  readonly installIf: readonly ApkDependency[];
  /** What it provides, itself first; undefined where it does so without a version. */
  readonly provides: ReadonlyMap<string, string | undefined>;
}

/** All packages of all repositories, by what they provide. */
export interface Catalog {
  /** What provides a name, in a fixed order: by name, then by version as text, then by checksum. */
  providersOf(name: string): readonly Candidate[];
  /** Whether one package alone provides a name, and nothing installs itself beside that. */
  isPlain(name: string): boolean;
  /** Names of packages that may install themselves when something of this name is there, sorted. */
  installedBy(name: string): readonly string[];
}

/** Takes the repositories' packages; gives the catalog of them. What is provided is looked at now, everything else when asked for. */
export function createCatalog(shelves: readonly Shelf[]): Catalog {
  const entries = mergeShelves(shelves);
  const providers = new Map<string, Entry[]>();
  const installers = new Map<string, string[]>();
  for (const entry of entries) {
    const { name, provides, installIf } = entry.package;
    append(providers, name, entry);
    for (const word of provides) append(providers, nameIn(word), entry);
    for (const word of installIf) append(installers, nameIn(word), name);
  }
  for (const [trigger, names] of installers) installers.set(trigger, [...new Set(names)].sort());
  const parsed = new Map<string, ApkDependency>();
  const sorted = new Map<string, readonly Candidate[]>();
  return {
    providersOf(name) {
      const known = sorted.get(name);
      if (known !== undefined) return known;
      const list = [...new Set(providers.get(name) ?? [])]
        .sort(compareEntries)
        .map((entry) => candidateOf(entry, parsed));
      sorted.set(name, list);
      return list;
    },
    isPlain: (name) => providers.get(name)?.length === 1 && !installers.has(name),
    installedBy: (name) => installers.get(name) ?? [],
  };
}

interface Entry {
  readonly package: IndexedAlpinePackage;
  readonly shelf: number;
  readonly tags: Set<string>;
  candidate?: Candidate;
}

/** The same package in several repositories is one. */
function mergeShelves(shelves: readonly Shelf[]): Iterable<Entry> {
  const entries = new Map<string, Entry>();
  for (const [shelf, { packages, tag = '' }] of shelves.entries()) {
    for (const one of packages) {
      if (one.uninstallable) continue;
      const key = `${one.checksum} ${one.name}`;
      const known = entries.get(key);
      if (known === undefined) entries.set(key, { package: one, shelf, tags: new Set([tag]) });
      else known.tags.add(tag);
    }
  }
  return entries.values();
}

function append<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [value]);
  else list.push(value);
}

/** Gives the name in a word of a dependency list, found without reading the rest: there are a hundred thousand of them. */
export function nameIn(word: string): string {
  const start = word.startsWith('!') ? 1 : 0;
  for (let at = start; at < word.length; at += 1) {
    const code = word.charCodeAt(at);
    if ((code >= 0x3c && code <= 0x3e) || code === 0x7e) return word.slice(start, at); // < = > ~
  }
  return start === 0 ? word : word.slice(start);
}

function compareEntries(a: Entry, b: Entry): number {
  return (
    compareTexts(a.package.name, b.package.name) ||
    compareTexts(a.package.version, b.package.version) ||
    compareTexts(a.package.checksum, b.package.checksum)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Most candidates are only walked past, so their words are read when somebody asks. */
function candidateOf(entry: Entry, parsed: Map<string, ApkDependency>): Candidate {
  if (entry.candidate !== undefined) return entry.candidate;
  const { package: one, shelf, tags } = entry;
  const all = (words: readonly string[]) => words.map((word) => parse(word, parsed));
  let depends: readonly ApkDependency[] | undefined;
  let installIf: readonly ApkDependency[] | undefined;
  let provides: ReadonlyMap<string, string | undefined> | undefined;
  return (entry.candidate = {
    package: one,
    shelf,
    tags,
    get depends() {
      return (depends ??= all(one.depends));
    },
    get installIf() {
      return (installIf ??= all(one.installIf));
    },
    get provides() {
      const pairs = () => all(one.provides).map(({ name, version }) => [name, version] as const);
      return (provides ??= new Map([...pairs(), [one.name, one.version]]));
    },
    get isSelfContradictory() {
      const provided = all(one.provides);
      const names = [one.name, ...provided.flatMap(({ name, version }) => (version === undefined ? [] : [name]))];
      return new Set(names).size < names.length || provided.some(({ name }) => name === one.name);
    },
  });
}

/** What can't be read stands as a dependency on nothing that there is. The same words come again and again. */
function parse(word: string, parsed: Map<string, ApkDependency>): ApkDependency {
  const known = parsed.get(word);
  if (known !== undefined) return known;
  const one = parseApkDependency(word) ?? { name: word, conflict: false, broken: true };
  parsed.set(word, one);
  return one;
}
