// SPDX-License-Identifier: Apache-2.0

/** A semantic version as Go modules write it, taken apart. `prerelease` and `build` keep their leading `-` and `+`. */
interface SemanticVersion {
  readonly core: readonly [string, string, string];
  readonly prerelease: string;
  readonly build: string;
}

const NUMBER = '(?:0|[1-9][0-9]*)';
const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const SEMVER = new RegExp(`^v(${NUMBER})(?:\\.(${NUMBER})(?:\\.(${NUMBER})(-${IDENTIFIERS})?(\\+${IDENTIFIERS})?)?)?$`);
const PSEUDO = /^v[0-9]+\.(?:0\.0-|[0-9]+\.[0-9]+-(?:[^+]*\.)?0\.)([0-9]{14})-([A-Za-z0-9]{12})(?:\+[0-9A-Za-z.-]+)?$/;
const GO_VERSION = /^(?:go)?(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*)|(beta|rc)(0|[1-9][0-9]*))?)?$/;

/** Says whether a text is a module version: `v` and semver 2.0.0, where `v1` and `v1.2` are allowed as short forms. */
export function isModuleVersion(text: string): boolean {
  return parseSemanticVersion(text) !== undefined;
}

/**
 * Says whether a version is written in the one canonical form that proxies and go.mod use: three numbers and no build
 * metadata but `+incompatible` (https://go.dev/ref/mod#versions).
 */
export function isCanonicalModuleVersion(text: string): boolean {
  const version = SEMVER.exec(text);
  if (version?.[3] === undefined || parseSemanticVersion(text) === undefined) return false;
  return version[5] === undefined || version[5] === '+incompatible';
}

/** Takes a valid version; gives its major part (`v2`), or an empty text where it is not valid. */
export function majorOf(version: string): string {
  const parsed = parseSemanticVersion(version);
  return parsed === undefined ? '' : `v${parsed.core[0]}`;
}

/** Takes a version; gives its pre-release part with the leading `-`, empty for a release or an invalid version. */
export function prereleaseOf(version: string): string {
  return parseSemanticVersion(version)?.prerelease ?? '';
}

/**
 * Orders two module versions by semver 2.0.0 clause 11: negative when `a` is older. Build metadata does not count;
 * an invalid version is older than each valid one, as in x/mod/semver.
 */
export function compareModuleVersions(a: string, b: string): number {
  const left = parseSemanticVersion(a);
  const right = parseSemanticVersion(b);
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  for (const index of [0, 1, 2] as const) {
    const order = compareNumbers(left.core[index], right.core[index]);
    if (order !== 0) return order;
  }
  return comparePrereleases(left.prerelease, right.prerelease);
}

/**
 * Takes a pseudo-version (https://go.dev/ref/mod#pseudo-versions); gives the commit's time and the first twelve digits
 * of its hash; undefined for any other version.
 */
export function readPseudoVersion(version: string): { readonly time: Date; readonly commit: string } | undefined {
  const [, stamp, commit] = PSEUDO.exec(version) ?? [];
  if (stamp === undefined || commit === undefined || parseSemanticVersion(version) === undefined) return undefined;
  const iso = stamp.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z');
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? undefined : { time, commit };
}

/** Says whether a text is a Go version or toolchain name: `1.27`, `1.27.3`, `1.27rc1`, each with or without `go` before it. */
export function isGoVersion(text: string): boolean {
  return GO_VERSION.test(text);
}

/**
 * Orders two Go versions (https://go.dev/doc/toolchain#version): `1.27` (the language) before `1.27rc1` before `1.27.0`.
 * For languages before 1.21, where `1.20` named the first release, the release is the same as the language. Invalid ones come first.
 */
export function compareGoVersions(a: string, b: string): number {
  const left = goVersionParts(a);
  const right = goVersionParts(b);
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  for (const [index, part] of left.entries()) {
    const order = part - (right[index] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** Versions that were taken apart: matching and sorting ask for the same ones again and again. */
const known = new Map<string, SemanticVersion | undefined>();
const MOST_KNOWN = 10_000;

function parseSemanticVersion(text: string): SemanticVersion | undefined {
  const parsed = known.get(text);
  if (parsed !== undefined || known.has(text)) return parsed;
  if (known.size >= MOST_KNOWN) known.clear();
  const fresh = takeApart(text);
  known.set(text, fresh);
  return fresh;
}

function takeApart(text: string): SemanticVersion | undefined {
  const match = SEMVER.exec(text);
  if (match === null) return undefined;
  const prerelease = match[4] ?? '';
  const padded = prerelease.slice(1).split('.');
  if (padded.some((identifier) => /^0[0-9]+$/.test(identifier))) return undefined; // semver clause 9: no leading zeroes
  return { core: [match[1] ?? '0', match[2] ?? '0', match[3] ?? '0'], prerelease, build: match[5] ?? '' };
}

function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length; // no leading zeroes: the longer is larger, whatever its size
  return compareTexts(a, b);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? 1 : -1;
  const left = a.slice(1).split('.');
  const right = b.slice(1).split('.');
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const order = compareIdentifiers(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareIdentifiers(a: string, b: string): number {
  const numeric = [a, b].map((text) => /^[0-9]+$/.test(text));
  if (numeric[0] && numeric[1]) return compareNumbers(a, b);
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
  return compareTexts(a, b);
}

/** Major, minor, kind (0 language, 1 beta, 2 release candidate, 3 release) and the number within the kind. */
function goVersionParts(text: string): readonly number[] | undefined {
  const match = GO_VERSION.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, kind, number] = match;
  const base = [Number(major), Number(minor ?? 0)];
  if (kind !== undefined) return [...base, kind === 'beta' ? 1 : 2, Number(number)];
  const isOld = base[0] === 1 && (base[1] ?? 0) < 21;
  if (patch !== undefined) return [...base, 3, Number(patch)];
  return isOld ? [...base, 3, 0] : [...base, 0, 0];
}
