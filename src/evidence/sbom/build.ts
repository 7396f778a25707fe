// SPDX-License-Identifier: Apache-2.0
import { digestOf, hexOf } from '#core';
import { EvidenceError } from '../error.ts';
import {
  distributionComponent,
  fileId,
  GO_SUPPLIER,
  imageComponent,
  linkedComponent,
  moduleComponent,
  packageComponent,
  sourcesOf,
  standardLibraryComponent,
} from './components.ts';
import type { ListedFile, Sbom, SbomComponent, SbomFile, SbomInput, SbomPackage, SbomRelation } from './types.ts';

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
  const { subject } = input;
  const files = sorted(
    [input.binary, ...input.files].map((file) => listedFile(file, file === input.binary)),
    (file) => file.path,
  );
  const licences = new Map<string, string>();
  const parts = partsOf(input, files, licences);
  const { image, inside, outside } = parts;
  const components = sorted([image, ...inside, ...outside], (component) => component.id);
  refuseTwice(components.map((component) => component.id));
  const model = {
    name: `${subject.name} ${subject.version} ${subject.platform}`,
    created: subject.created,
    author: input.vendor,
    tool: { name: input.tool.name, version: input.tool.version },
    root: image.id,
    configDigest: subject.configDigest,
    platform: subject.platform,
    components,
    files,
    relations: sorted(relationsOf(parts, files), ({ from, kind, to }) => `${from} ${kind} ${to}`),
  };
  const otherLicences = sorted([...licences], ([id]) => id);
  return { ...model, otherLicences: new Map(otherLicences), uuid: uuidOf(JSON.stringify([model, otherLicences])) };
}

/** Members in one order, whatever the caller's, since the model's text makes its name. */
function listedFile({ path, digest, sha1, size, sameAs }: SbomFile, program: boolean): ListedFile {
  return { id: fileId(path), path, digest, sha1, size, program, ...(sameAs === undefined ? {} : { sameAs }) };
}

/** The components by their place: the image, what it contains, and what it was made with or from. */
interface Parts {
  readonly image: SbomComponent;
  readonly main: SbomComponent;
  /** Modules and the standard library: what the program depends on. */
  readonly libraries: readonly SbomComponent[];
  readonly packages: readonly SbomComponent[];
  readonly toolchain: SbomComponent;
  readonly source: SbomComponent;
  readonly sources: ReadonlyMap<string, SbomComponent>;
  readonly inside: readonly SbomComponent[];
  readonly outside: readonly SbomComponent[];
}

function partsOf(input: SbomInput, files: readonly ListedFile[], licences: Map<string, string>): Parts {
  const owners = ownersOf(input, files);
  const held = new Map<string, string[]>();
  for (const { path, id } of files) {
    const owner = owners.get(path) ?? '';
    const ids = held.get(owner);
    if (ids === undefined) held.set(owner, [id]);
    else ids.push(id);
  }
  const image = imageComponent(input, held.get('') ?? []);
  const main = moduleComponent(input.main, 'application');
  const modules = [...input.nested, ...input.modules].map((module) => moduleComponent(module, 'module'));
  const linked = (input.linked ?? []).map(linkedComponent);
  const libraries = [...modules, ...linked, standardLibraryComponent(input.go.version)];
  const packages = input.packages.map((one) =>
    packageComponent(one, { input, held: held.get(ownerOf(one)) ?? [], licences }),
  );
  const toolchain = { ...moduleComponent(input.go.toolchain, 'toolchain'), supplier: GO_SUPPLIER };
  const { purl: _, overlay: __, ...source } = moduleComponent(input.main, 'source'); // the source is as upstream published it
  const sources = sourcesOf(input);
  const inside = [main, ...libraries, distributionComponent(input), ...packages];
  const outside = [toolchain, source, ...sources.values()];
  return { image, main, libraries, packages, toolchain, source, sources, inside, outside };
}

function relationsOf(parts: Parts, files: readonly ListedFile[]): readonly SbomRelation[] {
  const { image, main, libraries, packages, toolchain, source, sources, inside } = parts;
  const programs = files.filter((file) => file.program);
  return [
    ...inside.map((component) => relate(image, 'CONTAINS', component)),
    ...[image, ...packages].flatMap((component) => component.files.map((id) => relate(component, 'CONTAINS', { id }))),
    ...libraries.map((component) => relate(main, 'DEPENDS_ON', component)),
    ...programs.flatMap((program) => [
      relate(program, 'GENERATED_FROM', source),
      relate(main, 'GENERATES', program),
      relate(toolchain, 'BUILD_TOOL_OF', program),
    ]),
    ...packages.flatMap((one) => {
      const from = sources.get(one.source?.purl ?? '');
      return from === undefined ? [] : [relate(one, 'GENERATED_FROM', from)];
    }),
    ...composedFrom(files, packages),
  ];
}

function relate(from: { id: string }, kind: SbomRelation['kind'], to: { id: string }): SbomRelation {
  return { from: from.id, kind, to: to.id };
}

/** One name may come for several architectures, and of rpm in several versions. */
function ownerOf({ name, version, architecture }: SbomPackage): string {
  return `${name} ${version} ${architecture}`;
}

/** Gives the package that owns each path; a hard link belongs where the file that it names belongs. */
function ownersOf(input: SbomInput, files: readonly SbomFile[]): ReadonlyMap<string, string> {
  refuseTwice(files.map((file) => file.path));
  const measured = new Map(files.map((file) => [file.path, file]));
  const owners = new Map<string, string>();
  for (const one of input.packages) {
    for (const { path, digest } of one.files) {
      if (measured.get(path)?.digest !== digest) {
        throw invalid(
          `${one.name} owns a file that is ${measured.has(path) ? 'another one' : 'not'} in the image`,
          path,
        );
      }
      owners.set(path, ownerOf(one));
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
    const certificates = file.path === CERTIFICATES ? named.get('ca-certificates') : undefined;
    if (certificates !== undefined && !certificates.files.includes(file.id)) {
      return [relate(certificates, 'GENERATES', file)];
    }
    const stanza = file.path.startsWith(STATUS_FOLDER) ? file.path.slice(STATUS_FOLDER.length) : '';
    const described = named.get(stanza.replace(/\.md5sums$/, ''));
    return described === undefined ? [] : [relate(file, 'METAFILE_OF', described)];
  });
}

function sorted<T>(values: readonly T[], key: (value: T) => string): T[] {
  const keyed = values.map((value) => ({ value, key: key(value) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ value }) => value);
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
