// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { KindRef, KubernetesObject } from '#kubernetes';
import { isDefinition } from './installation.ts';

/** A CustomResourceDefinition, as far as upgrades need it. */
export interface Definition {
  readonly name: string;
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly versions: readonly DefinitionVersion[];
  /** The version that objects are written in. */
  readonly storage: string;
  /** The versions in which objects may lie in the database: `status.storedVersions`. */
  readonly stored: readonly string[];
}

/** One version of a definition. */
export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: Schema | undefined;
}

/** What we read of an OpenAPI schema. */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
}

const versionSchema = z.looseObject({
  name: z.string(),
  served: z.boolean(),
  storage: z.boolean(),
  schema: z.looseObject({ openAPIV3Schema: z.unknown() }).optional(),
});

const definitionSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ kind: z.string(), plural: z.string() }),
    versions: z.array(versionSchema),
  }),
  status: z.looseObject({ storedVersions: z.array(z.string()).nullish() }).optional(),
});

/** Reads a CustomResourceDefinition; undefined for any other object. */
export function readDefinition(object: KubernetesObject): Definition | undefined {
  const parsed = isDefinition(object) ? definitionSchema.safeParse(object) : undefined;
  if (parsed?.success !== true) return undefined;
  const { metadata, spec, status } = parsed.data;
  const versions = spec.versions.map(({ name, served, storage, schema }) => ({
    name,
    served,
    storage,
    schema: schema?.openAPIV3Schema as Schema | undefined,
  }));
  return {
    name: metadata.name,
    group: spec.group,
    kind: spec.names.kind,
    plural: spec.names.plural,
    versions,
    storage: versions.find(({ storage }) => storage)?.name ?? '',
    stored: status?.storedVersions ?? [],
  };
}

/** Gives the kind that a definition defines, in one of its versions. */
export function kindOf({ group, kind }: Pick<Definition, 'group' | 'kind'>, version: string): KindRef {
  return { apiVersion: `${group}/${version}`, kind };
}

/**
 * Gives the paths of fields that an API server drops from an object with this schema, since it names them not ("pruning" in
 * apiextensions.k8s.io/v1). Status is left out: controllers write it anew.
 */
export function fieldsDropped(schema: Schema | undefined, object: KubernetesObject): readonly string[] {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, status: _status, ...rest } = object;
  return dropped(schema ?? { 'x-kubernetes-preserve-unknown-fields': true }, rest, '');
}

function dropped(schema: Schema, value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, index) => dropped(items, item, `${path}[${index}]`));
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const place = path === '' ? name : `${path}.${name}`;
    const named = schema.properties?.[name];
    if (named !== undefined) return dropped(named, inner, place);
    if (schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties === true) return [];
    if (typeof schema.additionalProperties === 'object') return dropped(schema.additionalProperties, inner, place);
    if (schema['x-kubernetes-embedded-resource'] && ['apiVersion', 'kind', 'metadata'].includes(name)) return [];
    return [place];
  });
}
