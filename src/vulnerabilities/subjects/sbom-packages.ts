// SPDX-License-Identifier: Apache-2.0
import type { ReadComponent, SbomReading } from '#evidence';
import type { Purl } from '#formats';
import { mergePackages, type ScanGap, type ScanPackage } from '../subject.ts';
import { distributionPackage, ecosystemOf } from './distribution-packages.ts';
import { modulePackage } from './go-packages.ts';

/** Types of package URLs that name no package: an image, a file, a repository as the source of something. */
const NO_PACKAGES = new Set(['oci', 'docker', 'generic', 'github']);

/** What an SBOM's components are as packages, and which of them nothing can be said of. */
export interface SbomPackages {
  readonly packages: readonly ScanPackage[];
  readonly gaps: readonly ScanGap[];
}

/** Takes an SBOM, ours or another tool's; gives its packages as advisories name them. What no feed covers is a gap. */
export function sbomPackages(sbom: SbomReading): SbomPackages {
  const packages: ScanPackage[] = [];
  const unknown = new Map<string, string[]>();
  const miss = (reason: string, component: ReadComponent) => {
    const names = unknown.get(reason) ?? [];
    unknown.set(reason, names);
    names.push(component.name);
  };
  const distribution = distributionOf(sbom);
  for (const component of sbom.components) {
    const found = toPackage(component, distribution);
    if (typeof found === 'string') miss(found, component);
    else if (found !== undefined) packages.push(found);
  }
  const gaps = [...unknown].map(([reason, names]) => ({ what: summarise(names), reason }));
  const empty = packages.length === 0 && gaps.length === 0;
  return {
    packages: mergePackages(packages),
    gaps: empty ? [{ what: 'the whole target', reason: 'its SBOM names no package' }] : gaps,
  };
}

function summarise(names: readonly string[]): string {
  const distinct = [...new Set(names)].sort();
  const rest = distinct.length - 3;
  return `${distinct
    .slice(0, 3)
    .map((name) => name.slice(0, 120))
    .join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** What a component is to the scan: a package, nothing of interest, or the reason why it can't be checked. */
function toPackage(component: ReadComponent, distribution: string | undefined): ScanPackage | string | undefined {
  const { purl } = component;
  if (purl === undefined) return undefinedPackage(component);
  if (purl.type === 'golang') return goPackage(component, purl);
  if (component.excluded || NO_PACKAGES.has(purl.type)) return undefined;
  if (purl.type === 'deb' || purl.type === 'apk') {
    if (purl.qualifiers?.['arch'] === 'source') return undefined;
    const ecosystem = ecosystemOf(purl.namespace, purl.qualifiers?.['distro'] ?? distribution);
    const where = [purl.namespace, purl.qualifiers?.['distro']].filter(Boolean).join(', ');
    return ecosystem === undefined
      ? `no feed covers ${purl.type} packages of ${where === '' ? 'an unnamed distribution' : where.slice(0, 100)}`
      : distributionPackage(purl, ecosystem);
  }
  return `no feed covers ${purl.type} packages`;
}

/** The release of a distribution that an SBOM names as a component, for packages that don't name it themselves. */
function distributionOf(sbom: SbomReading): string | undefined {
  const found = sbom.components.find((one) => one.purl === undefined && /^(?:debian|alpine)$/.test(one.name));
  return found?.version === '' ? undefined : found?.version;
}

/** A package URL has Go's path in lower case; the component's name keeps its letters, and advisories go by them. */
function goPackage(component: ReadComponent, purl: Purl): ScanPackage | undefined {
  const path = [purl.namespace, purl.name, purl.subpath].filter((part) => part !== undefined).join('/');
  const exact = component.name.toLowerCase() === path.toLowerCase() ? component.name : path;
  const version = purl.version ?? component.version;
  if (component.excluded && exact !== 'golang.org/toolchain') return undefined;
  return modulePackage({ path: exact, version });
}

/** Without a URL there is nothing to look up: nothing is lost where it is no package, such as the distribution or a file. */
function undefinedPackage(component: ReadComponent): string | undefined {
  if (component.excluded) return undefined;
  if (component.hasBrokenPurl) return 'its package URL does not follow its specification';
  if (component.described || component.version === '') return undefined;
  return /^(?:debian|alpine)$/.test(component.name) ? undefined : 'it has no package URL';
}
