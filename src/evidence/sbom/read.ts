// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Digest, isDigest, messageOf } from '#core';
import { parsePurl, type Purl } from '#formats';
import { EvidenceError } from '../error.ts';
import { PROPERTIES } from './cyclonedx.ts';
import { H1_REFERENCE } from './spdx.ts';

/** A component as any SBOM names it, ours or another tool's. */
export interface ReadComponent {
  readonly name: string;
  readonly version: string;
  /** Absent where there is none, or none that follows its specification. */
  readonly purl?: Purl;
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
export const MAX_SBOM_BYTES = 64 << 20;

const text = z.string();

const spdxSchema = z.object({
  spdxVersion: z.string().regex(/^SPDX-2\.\d+$/),
  name: text,
  packages: z
    .array(
      z.object({
        SPDXID: text,
        name: text,
        versionInfo: text.optional(),
        licenseDeclared: text.optional(),
        licenseConcluded: text.optional(),
        checksums: z.array(z.object({ algorithm: text, checksumValue: text })).optional(),
        externalRefs: z.array(z.object({ referenceType: text, referenceLocator: text })).optional(),
      }),
    )
    .default([]),
  files: z
    .array(
      z.object({
        fileName: text,
        checksums: z.array(z.object({ algorithm: text, checksumValue: text })).default([]),
      }),
    )
    .default([]),
  relationships: z
    .array(z.object({ spdxElementId: text, relationshipType: text, relatedSpdxElement: text }))
    .default([]),
  documentDescribes: z.array(text).default([]),
});

const componentFields = {
  type: text,
  name: text,
  version: text.optional(),
  purl: text.optional(),
  scope: text.optional(),
  hashes: z.array(z.object({ alg: text, content: text })).optional(),
  licenses: z
    .array(
      z.object({
        expression: text.optional(),
        license: z.object({ id: text.optional(), name: text.optional() }).optional(),
      }),
    )
    .optional(),
  properties: z.array(z.object({ name: text, value: text.default('') })).optional(),
};

interface RawComponent extends z.output<z.ZodObject<typeof componentFields>> {
  readonly components?: readonly RawComponent[] | undefined;
}

const MAX_DEPTH = 16;

const cyclonedxSchema = z.object({
  bomFormat: z.literal('CycloneDX'),
  specVersion: text,
  metadata: z.object({ component: componentSchema(1).optional() }).optional(),
  components: z.array(componentSchema(MAX_DEPTH)).default([]),
});

/** A component and what is nested in it, to a depth that no honest document reaches. */
function componentSchema(depth: number): z.ZodType<RawComponent> {
  if (depth === 0) return z.object(componentFields);
  return z.object({ ...componentFields, components: z.array(componentSchema(depth - 1)).optional() });
}

/** Takes an SBOM's bytes, in SPDX 2.x or CycloneDX JSON; gives what it says. `where` names it in errors. Throws `SBOM_INVALID`. */
export function readSbom(bytes: Uint8Array, where: string): SbomReading {
  if (bytes.byteLength > MAX_SBOM_BYTES) throw invalid(`it is larger than ${MAX_SBOM_BYTES} bytes`, where);
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
  return isSpdx ? fromSpdx(checked(spdxSchema, value, where)) : fromCycloneDx(checked(cyclonedxSchema, value, where));
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  throw invalid(faults.join('; '), where, result.error);
}

function fromSpdx(document: z.output<typeof spdxSchema>): SbomReading {
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
    components: document.packages.map((one) => {
      const reference = (type: string) =>
        one.externalRefs?.find((candidate) => candidate.referenceType === type)?.referenceLocator;
      const licence = [one.licenseDeclared, one.licenseConcluded].find(isAsserted);
      return toComponent({
        name: one.name,
        version: one.versionInfo,
        purl: reference('purl'),
        licence,
        sha256: sumOf(one.checksums, 'SHA256'),
        h1: reference(H1_REFERENCE),
        excluded: absent.has(one.SPDXID),
        described: described.has(one.SPDXID),
      });
    }),
    files: new Map(document.files.map((file) => [plainPath(file.fileName), toDigest(sumOf(file.checksums, 'SHA256'))])),
  };
}

function isAsserted(licence: string | undefined): boolean {
  return licence !== undefined && licence !== 'NOASSERTION' && licence !== 'NONE';
}

function sumOf(
  sums: readonly { readonly algorithm: string; readonly checksumValue: string }[] | undefined,
  algorithm: string,
): string | undefined {
  return sums?.find((sum) => sum.algorithm === algorithm)?.checksumValue;
}

function fromCycloneDx(document: z.output<typeof cyclonedxSchema>): SbomReading {
  const root = document.metadata?.component;
  const all = [...flatten(root === undefined ? [] : [root]), ...flatten(document.components)];
  return {
    format: 'cyclonedx',
    specVersion: document.specVersion,
    name: root?.name ?? '',
    components: all
      .filter((one) => one.type !== 'file')
      .map((one) =>
        toComponent({
          name: one.name,
          version: one.version,
          purl: one.purl,
          licence: licenceOf(one),
          sha256: one.hashes?.find((hash) => hash.alg === 'SHA-256')?.content,
          h1: one.properties?.find((property) => property.name === PROPERTIES.h1)?.value,
          excluded: one.scope === 'excluded',
          described: one === root,
        }),
      ),
    files: new Map(
      all
        .filter((one) => one.type === 'file')
        .map((one) => [plainPath(one.name), toDigest(one.hashes?.find((hash) => hash.alg === 'SHA-256')?.content)]),
    ),
  };
}

function flatten(components: readonly RawComponent[]): RawComponent[] {
  return components.flatMap((one) => [one, ...flatten(one.components ?? [])]);
}

function licenceOf({ licenses }: RawComponent): string | undefined {
  const terms = (licenses ?? []).flatMap((one) => one.expression ?? one.license?.id ?? one.license?.name ?? []);
  return terms.length === 0 ? undefined : terms.join(' AND ');
}

function toComponent(
  raw: {
    readonly [K in 'version' | 'purl' | 'licence' | 'sha256' | 'h1']: string | undefined;
  } & { readonly name: string; readonly excluded: boolean; readonly described: boolean },
): ReadComponent {
  const purl = raw.purl === undefined ? undefined : readPurl(raw.purl);
  const digest = toDigest(raw.sha256);
  return {
    name: raw.name,
    version: raw.version ?? '',
    ...(purl === undefined ? {} : { purl }),
    ...(raw.licence === undefined ? {} : { licence: raw.licence }),
    ...(digest === undefined ? {} : { digest }),
    ...(raw.h1 === undefined ? {} : { h1: raw.h1 }),
    excluded: raw.excluded,
    described: raw.described,
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

function invalid(message: string, where: string, cause?: unknown): EvidenceError {
  return new EvidenceError('SBOM_INVALID', `this is no SBOM in SPDX 2 or CycloneDX JSON: ${message}`, { where, cause });
}
