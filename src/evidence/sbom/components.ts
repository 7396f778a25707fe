// SPDX-License-Identifier: Apache-2.0
import { digestOf, hexOf } from '#core';
import { isExpression, toSpdxLicence } from './debian-licences.ts';
import {
  goCpe,
  imagePurl,
  modulePurl,
  moduleSupplier,
  packagePurl,
  sourcePurl,
  standardLibraryVersion,
} from './purls.ts';
import type { ComponentKind, SbomComponent, SbomInput, SbomLinked, SbomModule, SbomPackage } from './types.ts';

/** Who supplies the toolchain and the standard library. */
export const GO_SUPPLIER = 'The Go Project';

/** Gives the image itself; `files` are the ids of what no package in it owns. */
export function imageComponent({ subject, vendor }: SbomInput, files: readonly string[]): SbomComponent {
  return {
    id: componentId('image', subject.name, subject.digest),
    kind: 'image',
    name: subject.name,
    version: subject.version,
    supplier: vendor,
    licence: 'NOASSERTION',
    purl: imagePurl(subject),
    digest: subject.digest,
    files,
  };
}

/** Gives a Go module as a component of some kind. */
export function moduleComponent(module: SbomModule & SbomInput['main'], kind: ComponentKind): SbomComponent {
  const { path, version, hash, origin, raised, overlay } = module;
  return {
    id: componentId(kind, path, version),
    kind,
    name: path,
    version,
    supplier: moduleSupplier(path),
    licence: module.licence?.expression ?? 'NOASSERTION',
    purl: modulePurl(path, version),
    ...(hash === undefined ? {} : { h1: hash }),
    ...(origin === undefined ? {} : { commit: `git+${origin.url}@${origin.commit}` }),
    ...(raised === undefined ? {} : { raised }),
    ...(overlay === undefined ? {} : { overlay }),
    files: [],
  };
}

/** Gives the Go standard library of a release like `go1.27.3`. */
export function standardLibraryComponent(goVersion: string): SbomComponent {
  const version = standardLibraryVersion(goVersion);
  return {
    id: componentId('standard-library', 'stdlib', version),
    kind: 'standard-library',
    name: 'stdlib',
    version,
    supplier: GO_SUPPLIER,
    licence: 'BSD-3-Clause',
    purl: modulePurl('stdlib', version),
    cpe: goCpe(goVersion),
    files: [],
  };
}

/** Gives a library that is linked into the program beside Go's. */
export function linkedComponent({ name, version, supplier, licence, purl }: SbomLinked): SbomComponent {
  return { id: componentId('linked', name, purl), kind: 'linked', name, version, supplier, licence, purl, files: [] };
}

/** Gives the distribution that the image's packages come from: scanners choose advisories by it. */
export function distributionComponent({ distribution }: SbomInput): SbomComponent {
  const { id, versionId } = distribution;
  return {
    id: componentId('distribution', id, versionId),
    kind: 'distribution',
    name: id,
    version: versionId,
    supplier: supplierOf(distribution),
    licence: 'NOASSERTION',
    files: [],
  };
}

function supplierOf({ id }: SbomInput['distribution']): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}

/** Gives a distribution's package; `held` are the ids of its files, and `licences` gains what each `LicenseRef-` in it stands for. */
export function packageComponent(
  one: SbomPackage,
  { input, held, licences }: { input: SbomInput; held: readonly string[]; licences: Map<string, string> },
): SbomComponent {
  const { distribution } = input;
  const purl = packagePurl(one, distribution);
  return {
    id: componentId('package', one.name, purl),
    kind: 'package',
    name: one.name,
    version: one.version,
    supplier: supplierOf(distribution),
    licence: licenceOf(one, licences),
    purl,
    ...(one.maintainer === '' ? {} : { maintainer: one.maintainer }),
    ...(one.homepage === undefined ? {} : { homepage: one.homepage }),
    ...(one.sha256 === undefined ? {} : { digest: one.sha256 }),
    source: { name: one.source.name, version: one.source.version, purl: sourcePurl(one, distribution) },
    files: held,
  };
}

/** Debian names licences in words of its own; apk and rpm mostly in SPDX's. */
function licenceOf(one: SbomPackage, licences: Map<string, string>): string {
  if (one.kind !== undefined && one.kind !== 'deb') {
    const { licence = '' } = one;
    return isExpression(licence) ? licence : 'NOASSERTION';
  }
  const licence = toSpdxLicence(one.licenses, one.copyright ?? `usr/share/doc/${one.name}/copyright`);
  for (const [id, text] of licence.other) licences.set(id, text);
  return licence.expression;
}

/** Gives the source packages of the distribution's packages, by their package URL; many packages may come from one. */
export function sourcesOf({ packages, distribution }: SbomInput): ReadonlyMap<string, SbomComponent> {
  return new Map(
    packages.map((one) => {
      const purl = sourcePurl(one, distribution);
      const { name, version } = one.source;
      const id = componentId('source', name, purl);
      const supplier = supplierOf(distribution);
      const commit = commitOf(one, distribution);
      return [purl, { id, kind: 'source', name, version, supplier, licence: 'NOASSERTION', ...commit, files: [] }];
    }),
  );
}

/** Alpine's packages name the commit of aports, whose history is public. */
function commitOf({ kind, commit = '' }: SbomPackage, { id }: SbomInput['distribution']): { commit?: string } {
  if (kind !== 'apk' || id !== 'alpine' || !/^[0-9a-f]{40}$/.test(commit)) return {};
  return { commit: `git+https://gitlab.alpinelinux.org/alpine/aports.git@${commit}` };
}

/** Ids use the letters that SPDX allows (3.2); the hash keeps two names apart that differ in other letters only. */
function componentId(kind: ComponentKind, name: string, version: string): string {
  return `${kind}-${slug(name)}-${hexOf(digestOf(`${name} ${version}`)).slice(0, 10)}`;
}

/** Gives the id of a file by its path. */
export function fileId(path: string): string {
  return `File-${slug(path.slice(-40))}-${hexOf(digestOf(path)).slice(0, 10)}`;
}

function slug(text: string): string {
  return text.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^-|-$/g, '');
}
