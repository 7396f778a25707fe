// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Digest, digestOf, isDigest, messageOf } from '#core';
import { canonicalJson, type Json } from '#formats';
import type { ContentPlatform, Descriptor } from './content.ts';
import { ImageError } from './error.ts';
import { isIndexType, isManifestType, MEDIA_TYPES } from './media-types.ts';

/** The most bytes of a manifest, index or config that are read; registries commonly refuse more than 4 MiB. */
export const MAX_MANIFEST_BYTES = 4 << 20;

/** A document together with the descriptor that its exact bytes have. */
export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** A manifest (OCI image-spec 1.1, manifest.md): a config and layers, or an artifact that `subject` hangs on an image. */
export interface Manifest {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index over manifests (OCI image-spec 1.1, image-index.md). */
export interface Index {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a sha256 digest');
const annotations = z.record(z.string(), z.string());
const platform = z.object({ architecture: z.string(), os: z.string(), variant: z.string().optional() });

/** The members of a descriptor that Oakum uses; others are dropped. */
export const descriptorSchema = z.object({
  mediaType: z.string().min(1).max(255),
  digest,
  size: z.int().nonnegative(),
  annotations: annotations.optional(),
  platform: platform.optional(),
  artifactType: z.string().optional(),
});

const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(1000),
  subject: descriptorSchema.optional(),
  annotations: annotations.optional(),
});

const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  // An empty list of referrers is null in what some registries answer, as Go writes one that was never filled.
  manifests: z.preprocess((value) => value ?? [], z.array(descriptorSchema).max(10_000)),
  subject: descriptorSchema.optional(),
  annotations: annotations.optional(),
});

/** Takes a document's value and media type; gives its one text (canonical JSON) and descriptor. */
export function toDocument(value: Json, mediaType: string, platform?: ContentPlatform): Document {
  const bytes = Buffer.from(canonicalJson(value), 'utf8');
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { bytes, descriptor: platform === undefined ? descriptor : { ...descriptor, platform } };
}

/** Builds a manifest document; with `platform`, the descriptor carries it for use in an index. */
export function buildManifest(manifest: Omit<Manifest, 'mediaType'>, platform?: ContentPlatform): Document {
  const value = { ...manifest, schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, layers: [...manifest.layers] };
  const document = toDocument(value, MEDIA_TYPES.manifest, platform);
  if (manifest.artifactType === undefined) return document;
  return { ...document, descriptor: { ...document.descriptor, artifactType: manifest.artifactType } };
}

/** Builds an index document over manifests, in the order given. */
export function buildIndex(manifests: readonly Descriptor[], annotations?: Readonly<Record<string, string>>): Document {
  const value = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [...manifests], annotations };
  return toDocument(value, MEDIA_TYPES.index);
}

/** Reads a manifest's bytes. Throws `MANIFEST_INVALID`; `where` names it in errors. Unknown members are ignored. */
export function parseManifest(bytes: Uint8Array, where: string): Manifest {
  const { schemaVersion: _, ...manifest } = parse(manifestSchema, bytes, { what: 'an image manifest', where });
  const mediaType = manifest.mediaType ?? MEDIA_TYPES.manifest;
  if (!isManifestType(mediaType)) throw invalid(`an image manifest can't have the media type ${mediaType}`, where);
  return withoutUndefined({ ...manifest, mediaType });
}

/** Reads an index's bytes. Throws `MANIFEST_INVALID`; `where` names it in errors. Unknown members are ignored. */
export function parseIndex(bytes: Uint8Array, where: string): Index {
  const { schemaVersion: _, ...index } = parse(indexSchema, bytes, { what: 'an image index', where });
  const mediaType = index.mediaType ?? MEDIA_TYPES.index;
  if (!isIndexType(mediaType)) throw invalid(`an image index can't have the media type ${mediaType}`, where);
  return withoutUndefined({ ...index, mediaType });
}

/** Reads JSON of at most `most` bytes that came from outside against a schema; throws `MANIFEST_INVALID` that names each wrong member. */
export function parse<T>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  { what, where, most = MAX_MANIFEST_BYTES }: { readonly what: string; readonly where: string; readonly most?: number },
): T {
  if (bytes.byteLength > most) throw invalid(`${what} is larger than ${most} bytes`, where);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(`not JSON where ${what} was expected: ${messageOf(error)}`, where, error);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  throw invalid(`not ${what}: ${faults.join('; ')}`, where, result.error);
}

function invalid(message: string, where: string, cause?: unknown): ImageError {
  return new ImageError('MANIFEST_INVALID', message, { where, cause });
}

/** Optional members that are absent stay absent, also to `in` and to JSON. */
function withoutUndefined<T extends object>(value: { [K in keyof T]: T[K] }): Defined<T> {
  return JSON.parse(JSON.stringify(value)) as Defined<T>;
}

type Defined<T> = T extends readonly (infer U)[]
  ? Defined<U>[]
  : T extends Digest
    ? T
    : T extends object
      ? { [K in keyof T]: Defined<Exclude<T[K], undefined>> }
      : T;
