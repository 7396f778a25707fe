// SPDX-License-Identifier: Apache-2.0
import { digestOf, hexOf } from '#core';
import { canonicalJson, type Json } from '#formats';
import { EvidenceError } from '../error.ts';
import { toSpdxLicence } from './debian-licences.ts';
import {
  goCpe,
  imagePurl,
  modulePurl,
  moduleSupplier,
  packagePurl,
  sourcePurl,
  standardLibraryVersion,
} from './purls.ts';
import type {
  ComponentKind,
  ListedFile,
  Sbom,
  SbomComponent,
  SbomFile,
  SbomInput,
  SbomModule,
  SbomPackage,
  SbomRelation,
} from './types.ts';

/** Raised when the same input gives another SBOM; part of the keys under which SBOMs are kept. */
export const SBOM_RULES = 1;

/** Where a composed root says which packages it holds; each file is named for its package. */
const STATUS_FOLDER = 'var/lib/dpkg/status.d/';

const CERTIFICATES = 'etc/ssl/certs/ca-certificates.crt';

/**
 * Builds the model of an image's SBOM from what its build knows. The same input in any order gives the same model.
 * Throws `SBOM_INPUT_INVALID` where the parts contradict each other: a package's file that is not in the image, or with
 * other content, a path or a component that comes twice.
 */
export function buildSbom(input: SbomInput): Sbom {
  const files = [input.binary, ...input.files]
    .map((file) => ({ ...file, id: fileId(file.path), program: file === input.binary }))
    .sort(by((file) => file.path));
  const owners = ownersOf(input, files);
  const licences = new Map<string, string>();
  const image = imageComponent(
    input,
    files.filter((file) => !owners.has(file.path)).map((file) => file.id),
  );
  const main = moduleComponent(input.main, 'application');
  const modules = [...input.nested, ...input.modules].map((module) => moduleComponent(module, 'module'));
  const standardLibrary = standardLibraryComponent(input.go.version);
  const toolchain = { ...moduleComponent(input.go.toolchain, 'toolchain'), supplier: GO };
  const packages = input.packages.map((one) => {
    const held = files.filter((file) => owners.get(file.path) === one.name).map((file) => file.id);
    return packageComponent(one, { input, held, licences });
  });
  const held = [main, ...modules, standardLibrary, distributionComponent(input), ...packages];
  const components = [image, ...held, toolchain].sort(by((component) => component.id));
  refuseTwice(components.map((component) => component.id));
  const binary = fileId(input.binary.path);
  const relations = [
    ...held.map((component) => relate(image, 'CONTAINS', component)),
    ...[image, ...packages].flatMap((component) => component.files.map((id) => relate(component, 'CONTAINS', { id }))),
    ...[...modules, standardLibrary].map((component) => relate(main, 'DEPENDS_ON', component)),
    relate({ id: binary }, 'GENERATED_FROM', main),
    relate(toolchain, 'BUILD_TOOL_OF', { id: binary }),
    ...composedFrom(files, packages),
  ].sort(by(({ from, kind, to }) => `${from} ${kind} ${to}`));
  const { subject } = input;
  const model = {
    name: `${subject.name} ${subject.version} ${subject.platform}`,
    created: subject.created,
    author: input.vendor,
    tool: input.tool,
    root: image.id,
    configDigest: subject.configDigest,
    platform: subject.platform,
    components,
    files,
    relations,
  };
  const otherLicences = [...licences].sort(by(([id, text]) => `${id} ${text}`));
  const seed = { ...model, created: subject.created.toISOString(), otherLicences } as unknown as Json;
  return { ...model, otherLicences: new Map(otherLicences), uuid: uuidOf(canonicalJson(seed)) };
}

const GO = 'The Go Project';

function relate(from: { id: string }, kind: SbomRelation['kind'], to: { id: string }): SbomRelation {
  return { from: from.id, kind, to: to.id };
}

function imageComponent({ subject, vendor }: SbomInput, files: readonly string[]): SbomComponent {
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

function moduleComponent(module: SbomModule & SbomInput['main'], kind: ComponentKind): SbomComponent {
  const { path, version, hash, origin } = module;
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
    files: [],
  };
}

function standardLibraryComponent(goVersion: string): SbomComponent {
  const version = standardLibraryVersion(goVersion);
  return {
    id: componentId('standard-library', 'stdlib', version),
    kind: 'standard-library',
    name: 'stdlib',
    version,
    supplier: GO,
    licence: 'BSD-3-Clause',
    purl: modulePurl('stdlib', version),
    cpe: goCpe(goVersion),
    files: [],
  };
}

function distributionComponent({ distribution }: SbomInput): SbomComponent {
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

function packageComponent(
  one: SbomPackage,
  { input, held, licences }: { input: SbomInput; held: readonly string[]; licences: Map<string, string> },
): SbomComponent {
  const { distribution } = input;
  const purl = packagePurl(one, distribution);
  const licence = toSpdxLicence(one.licenses, one.copyright ?? `usr/share/doc/${one.name}/copyright`);
  for (const [id, text] of licence.other) licences.set(id, text);
  return {
    id: componentId('package', one.name, purl),
    kind: 'package',
    name: one.name,
    version: one.version,
    supplier: supplierOf(distribution),
    licence: licence.expression,
    purl,
    ...(one.maintainer === '' ? {} : { maintainer: one.maintainer }),
    ...(one.homepage === undefined ? {} : { homepage: one.homepage }),
    digest: one.sha256,
    source: { ...one.source, purl: sourcePurl(one, distribution) },
    files: held,
  };
}

/** Gives the package that owns each path; a hard link belongs where the file that it names belongs. */
function ownersOf(input: SbomInput, files: readonly SbomFile[]): ReadonlyMap<string, string> {
  refuseTwice(files.map((file) => file.path));
  const measured = new Map(files.map((file) => [file.path, file]));
  const owners = new Map<string, string>();
  for (const { name, files: owned } of input.packages) {
    for (const { path, digest } of owned) {
      if (measured.get(path)?.digest !== digest) {
        throw invalid(`${name} owns a file that is ${measured.has(path) ? 'another one' : 'not'} in the image`, path);
      }
      owners.set(path, name);
    }
  }
  for (const { path, sameAs } of files) {
    const owner = owners.get(sameAs ?? '');
    if (owner !== undefined && !owners.has(path)) owners.set(path, owner);
  }
  return owners;
}

/** Files that the composer makes out of a package's: the certificate bundle, and the stanzas that name the packages. */
function composedFrom(files: readonly ListedFile[], packages: readonly SbomComponent[]): SbomRelation[] {
  const named = new Map(packages.map((one) => [one.name, one]));
  return files.flatMap((file) => {
    const name = file.path === CERTIFICATES ? 'ca-certificates' : statusName(file.path);
    const from = named.get(name ?? '');
    return from === undefined || from.files.includes(file.id) ? [] : [relate(file, 'GENERATED_FROM', from)];
  });
}

function statusName(path: string): string | undefined {
  return path.startsWith(STATUS_FOLDER) ? path.slice(STATUS_FOLDER.length).replace(/\.md5sums$/, '') : undefined;
}

/** Ids use the letters that SPDX allows (3.2); the hash keeps two names apart that differ in other letters only. */
function componentId(kind: ComponentKind, name: string, version: string): string {
  return `${kind}-${slug(name)}-${hexOf(digestOf(`${name} ${version}`)).slice(0, 10)}`;
}

function fileId(path: string): string {
  return `File-${slug(path.slice(-40))}-${hexOf(digestOf(path)).slice(0, 10)}`;
}

function slug(text: string): string {
  return text.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^-|-$/g, '');
}

function by<T>(key: (value: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}

function refuseTwice(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw invalid('an SBOM would name this twice', name);
    seen.add(name);
  }
}

function invalid(message: string, where: string): EvidenceError {
  return new EvidenceError('SBOM_INPUT_INVALID', message, { where });
}

/** A UUID out of a SHA-256 (RFC 9562, 5.8 and B.2). */
function uuidOf(text: string): string {
  const bytes = Buffer.from(hexOf(digestOf(text)).slice(0, 32), 'hex');
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
