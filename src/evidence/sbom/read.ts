// SPDX-License-Identifier: Apache-2.0
import { type Digest, isDigest, messageOf, OakumError } from '#core';
import {
  FormatError,
  measureJson,
  object,
  optional,
  optionalList,
  parsePurl,
  type Purl,
  record,
  type Shape,
  type Shaped,
  text,
} from '#formats';
import { EvidenceError } from '../error.ts';
import { H1_REFERENCE, PROPERTIES } from './names.ts';

/** A component as any SBOM names it, ours or another tool's. */
export interface ReadComponent {
  readonly name: string;
  readonly version: string;
  /** Absent where there is none, or none that follows its specification: then `hasBrokenPurl`. */
  readonly purl?: Purl;
  readonly hasBrokenPurl?: true;
  /** An SPDX expression, as it stands there. */
  readonly licence?: string;
  readonly digest?: Digest;
  readonly h1?: string;
  /** Whether it says of itself that it is not part of the image. */
  readonly excluded: boolean;
  /** Whether it is the thing that the document describes. */
  readonly described: boolean;
}

/** What an SBOM in SPDX 2.x or CycloneDX JSON says. */
export interface SbomReading {
  readonly format: 'spdx' | 'cyclonedx';
  readonly specVersion: string;
  readonly name: string;
  readonly components: readonly ReadComponent[];
  /** Paths without a leading slash, and the SHA-256 of each, where it is told. */
  readonly files: ReadonlyMap<string, Digest | undefined>;
}

/** The most bytes of an SBOM that are read. */
const MAX_SBOM_BYTES = 64 << 20;

/** The most values (texts, numbers, lists ...) and packages of an SBOM: with these a scan of it takes up to 480 MB of memory. */
const MAX_SBOM_VALUES = 2_500_000;
const MAX_PACKAGES = 100_000;

/** An SBOM that is smaller can't hold as many values as would matter. */
const SMALL_BYTES = 4 << 20;

const checksums = optionalList(object({ algorithm: text, checksumValue: text }));

const packageShape = object({
  SPDXID: text,
  name: text,
  versionInfo: optional(text),
  licenseDeclared: optional(text),
  licenseConcluded: optional(text),
  checksums,
  externalRefs: optionalList(object({ referenceType: text, referenceLocator: text })),
});

const fileShape = object({ fileName: text, checksums });

// Each package becomes a component at once, so that nothing is held twice: an SBOM can be large.
const spdxShape = object({
  spdxVersion: text,
  name: text,
  packages: optionalList(readSpdxPackage),
  files: optionalList(readSpdxFile),
  relationships: optionalList(object({ spdxElementId: text, relationshipType: text, relatedSpdxElement: text })),
  documentDescribes: optionalList(text),
});

const componentFields = {
  type: text,
  name: text,
  version: optional(text),
  purl: optional(text),
  scope: optional(text),
  hashes: optionalList(object({ alg: text, content: text })),
  licenses: optionalList(
    object({
      expression: optional(text),
      license: optional(object({ id: optional(text), name: optional(text) })),
    }),
  ),
  properties: optionalList(object({ name: text, value: optional(text) })),
};

interface RawComponent extends Shaped<ReturnType<typeof object<typeof componentFields>>> {
  readonly components?: readonly RawComponent[];
}

const MAX_DEPTH = 16;

const cyclonedxShape = object({
  bomFormat: text,
  specVersion: text,
  metadata: optional(object({ component: optional(componentShape(1)) })),
  components: optionalList(componentShape(MAX_DEPTH)),
});

function nothingNested(value: unknown): readonly RawComponent[] {
  if (optionalList(record)(value).length === 0) return [];
  throw new FormatError('SHAPE_INVALID', `components are nested more than ${MAX_DEPTH} levels deep`);
}

/** A component and what is nested in it, to a depth that no honest document reaches. */
function componentShape(depth: number): Shape<RawComponent> {
  if (depth === 0) return object({ ...componentFields, components: nothingNested });
  return object({ ...componentFields, components: optionalList(componentShape(depth - 1)) });
}

/** Takes an SBOM's bytes, in SPDX 2.x or CycloneDX JSON; gives what it says. `where` names it in errors. Throws `SBOM_INVALID`. */
export function readSbom(bytes: Uint8Array, where: string): SbomReading {
  if (bytes.byteLength > MAX_SBOM_BYTES) throw tooLarge(`${MAX_SBOM_BYTES} bytes`, where);
  if (bytes.byteLength > SMALL_BYTES && measureJson(bytes).values > MAX_SBOM_VALUES)
    throw tooLarge(`${MAX_SBOM_VALUES} values`, where);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(messageOf(error), where, error);
  }
  return toReading(value, where);
}

/** Takes an SBOM as a JSON value, as a statement's predicate is; gives what it says. Throws `SBOM_INVALID`. */
export function toReading(value: unknown, where: string): SbomReading {
  const isSpdx = typeof value === 'object' && value !== null && 'spdxVersion' in value;
  requireFewPackages(value, where);
  if (isSpdx) {
    const document = checked(spdxShape, value, where);
    if (/^SPDX-2\.\d+$/.test(document.spdxVersion)) return fromSpdx(document);
    throw invalid(`spdxVersion: ${JSON.stringify(document.spdxVersion.slice(0, 80))} is not read, only SPDX 2`, where);
  }
  const document = checked(cyclonedxShape, value, where);
  if (document.bomFormat === 'CycloneDX') return fromCycloneDx(document);
  throw invalid('bomFormat: it is neither SPDX 2 nor CycloneDX', where);
}

function requireFewPackages(value: unknown, where: string): void {
  const { packages, components } = (value ?? {}) as { readonly [name in 'packages' | 'components']?: unknown };
  for (const list of [packages, components])
    if (Array.isArray(list) && list.length > MAX_PACKAGES) throw tooLarge(`${MAX_PACKAGES} packages`, where);
}

function checked<T>(shape: Shape<T>, value: unknown, where: string): T {
  try {
    return shape(value);
  } catch (error) {
    const place = error instanceof OakumError && error.where !== undefined ? error.where : 'it';
    throw invalid(`${place}: ${messageOf(error)}`, where, error);
  }
}

function fromSpdx(document: Shaped<typeof spdxShape>): SbomReading {
  const { relationships } = document;
  const targetsOf = (type: string) =>
    relationships.flatMap((one) => (one.relationshipType === type ? [one.relatedSpdxElement] : []));
  const described = new Set([...document.documentDescribes, ...targetsOf('DESCRIBES')]);
  const contained = new Set(targetsOf('CONTAINS'));
  // A build tool made something in the image, and a source is what it was made from: neither is in it, unless it is said to be.
  const tools = relationships.flatMap((one) => (one.relationshipType === 'BUILD_TOOL_OF' ? [one.spdxElementId] : []));
  const absent = new Set([...tools, ...targetsOf('GENERATED_FROM')].filter((id) => !contained.has(id)));
  return {
    format: 'spdx',
    specVersion: document.spdxVersion.slice('SPDX-'.length),
    name: document.name,
    components: document.packages.map(({ id, component }) => ({
      ...component,
      excluded: absent.has(id),
      described: described.has(id),
    })),
    files: new Map(document.files),
  };
}

function readSpdxPackage(value: unknown) {
  const one = packageShape(value);
  const reference = (type: string) =>
    one.externalRefs.find((candidate) => candidate.referenceType === type)?.referenceLocator;
  const component = toComponent({
    name: one.name,
    version: one.versionInfo,
    purl: reference('purl'),
    licence: [one.licenseDeclared, one.licenseConcluded].find(isAsserted),
    sha256: sumOf(one.checksums, 'SHA256'),
    h1: reference(H1_REFERENCE),
  });
  return { id: one.SPDXID, component };
}

function readSpdxFile(value: unknown): readonly [path: string, digest: Digest | undefined] {
  const { fileName, checksums: sums } = fileShape(value);
  return [plainPath(fileName), toDigest(sumOf(sums, 'SHA256'))];
}

function isAsserted(licence: string | undefined): boolean {
  return licence !== undefined && licence !== 'NOASSERTION' && licence !== 'NONE';
}

function sumOf(sums: Shaped<typeof checksums>, algorithm: string): string | undefined {
  return sums.find((sum) => sum.algorithm === algorithm)?.checksumValue;
}

function fromCycloneDx(document: Shaped<typeof cyclonedxShape>): SbomReading {
  const root = document.metadata?.component;
  const all = [...flatten(root === undefined ? [] : [root]), ...flatten(document.components)];
  return {
    format: 'cyclonedx',
    specVersion: document.specVersion,
    name: root?.name ?? '',
    components: all
      .filter((one) => one.type !== 'file')
      .map((one) => ({
        ...toComponent({
          name: one.name,
          version: one.version,
          purl: one.purl,
          licence: licenceOf(one),
          sha256: one.hashes.find((hash) => hash.alg === 'SHA-256')?.content,
          h1: one.properties.find((property) => property.name === PROPERTIES.h1)?.value,
        }),
        excluded: one.scope === 'excluded',
        described: one === root,
      })),
    files: new Map(
      all
        .filter((one) => one.type === 'file')
        .map((one) => [plainPath(one.name), toDigest(one.hashes.find((hash) => hash.alg === 'SHA-256')?.content)]),
    ),
  };
}

function flatten(components: readonly RawComponent[]): RawComponent[] {
  return components.flatMap((one) => [one, ...flatten(one.components ?? [])]);
}

function licenceOf({ licenses }: RawComponent): string | undefined {
  const terms = licenses.flatMap((one) => one.expression ?? one.license?.id ?? one.license?.name ?? []);
  return terms.length === 0 ? undefined : terms.join(' AND ');
}

function toComponent(
  raw: {
    readonly [K in 'version' | 'purl' | 'licence' | 'sha256' | 'h1']: string | undefined;
  } & { readonly name: string },
): Omit<ReadComponent, 'excluded' | 'described'> {
  const purl = raw.purl === undefined ? undefined : readPurl(raw.purl);
  const digest = toDigest(raw.sha256);
  return {
    name: raw.name,
    version: raw.version ?? '',
    ...(purl === undefined ? {} : { purl }),
    ...(raw.purl !== undefined && purl === undefined ? { hasBrokenPurl: true as const } : {}),
    ...(raw.licence === undefined ? {} : { licence: raw.licence }),
    ...(digest === undefined ? {} : { digest }),
    ...(raw.h1 === undefined ? {} : { h1: raw.h1 }),
  };
}

function readPurl(purl: string): Purl | undefined {
  try {
    return parsePurl(purl);
  } catch {
    return undefined;
  }
}

function toDigest(hex: string | undefined): Digest | undefined {
  const digest = `sha256:${hex?.toLowerCase()}`;
  return isDigest(digest) ? digest : undefined;
}

function plainPath(path: string): string {
  return path.replace(/^\.?\/+/, '');
}

function tooLarge(limit: string, where: string): EvidenceError {
  return new EvidenceError('SBOM_INVALID', `this SBOM is too large: it has more than ${limit}`, {
    where,
    hint: 'Cut it into several, or make it without what is no package, such as files.',
  });
}

function invalid(message: string, where: string, cause?: unknown): EvidenceError {
  return new EvidenceError('SBOM_INVALID', `this is no SBOM in SPDX 2 or CycloneDX JSON: ${message}`, { where, cause });
}
