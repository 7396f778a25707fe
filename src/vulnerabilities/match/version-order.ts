// SPDX-License-Identifier: Apache-2.0
import {
  compareAlpineVersions,
  compareDebianVersions,
  compareModuleVersions,
  isAlpineVersion,
  isDebianVersion,
  isModuleVersion,
} from '#formats';

/** How the versions of an ecosystem are ordered. `compare` gives a negative number, 0 or a positive one. */
export interface VersionOrder {
  readonly name: VersionScheme;
  isVersion(text: string): boolean;
  compare(a: string, b: string): number;
}

/** The version orders there are. `go` takes semver, with or without `v`. */
export const VERSION_SCHEMES = ['go', 'debian', 'alpine'] as const;

/** The name of a version order. */
export type VersionScheme = (typeof VERSION_SCHEMES)[number];

/** Three numbers, as semver 2.0.0 demands: Go's short forms (`v1`, `v1.2`) are no versions of modules. */
const THREE_NUMBERS = /^v?\d+\.\d+\.\d+/;
const withV = (version: string) => (version.startsWith('v') ? version : `v${version}`);

const ORDERS: Readonly<Record<VersionScheme, VersionOrder>> = {
  go: {
    name: 'go',
    isVersion: (text) => THREE_NUMBERS.test(text) && isModuleVersion(withV(text)),
    compare: (a, b) => compareModuleVersions(withV(a), withV(b)),
  },
  debian: { name: 'debian', isVersion: isDebianVersion, compare: compareDebianVersions },
  alpine: { name: 'alpine', isVersion: isAlpineVersion, compare: compareAlpineVersions },
};

/** Gives the version order of a scheme. */
export function versionOrder(scheme: VersionScheme): VersionOrder {
  return ORDERS[scheme];
}

/** Takes an OSV ecosystem (`Go`, `Debian:13`); gives the order of its versions, undefined where none is known. */
export function orderOf(ecosystem: string): VersionOrder | undefined {
  const [name] = ecosystem.split(':', 1);
  if (name === 'Go') return ORDERS.go;
  if (name === 'Debian') return ORDERS.debian;
  return name === 'Alpine' ? ORDERS.alpine : undefined;
}

/**
 * Takes a Go release as any tool writes it (`go1.27.3`, `v1.27.3`, `1.27rc1`, `go1.27.3 X:boringcrypto`, `go1.27.3-X:nojsonv2`); gives the semantic
 * version that advisories for the standard library use (`1.27.3`, `1.27.0-rc.1`), undefined for what is no release.
 */
export function goReleaseVersion(text: string): string | undefined {
  const plain = text.trim().split(/[\s+]|-X:/, 1)[0] ?? '';
  const bare = plain.replace(/^v/, '').replace(/^go/, '');
  const [, major, minor, patch, kind, number] =
    /^(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:(rc|beta)(\d{1,9}))?$/.exec(bare.replace(/-fips$/, '')) ?? [];
  if (major === undefined) return ORDERS.go.isVersion(bare) ? bare : undefined;
  const release = `${major}.${minor ?? 0}.${patch ?? 0}`;
  return kind === undefined ? release : `${release}-${kind}.${number}`;
}
