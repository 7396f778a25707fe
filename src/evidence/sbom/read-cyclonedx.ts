// SPDX-License-Identifier: Apache-2.0
import { FormatError, object, optional, optionalList, record, type Shape, type Shaped, text } from '#formats';
import { PROPERTIES } from './names.ts';
import { plainPath, type SbomReading, toComponent, toDigest } from './read-component.ts';

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

/** A document in CycloneDX. */
export const cyclonedxShape = object({
  bomFormat: text,
  specVersion: text,
  metadata: optional(object({ component: optional(componentShape(MAX_DEPTH)) })),
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

/** Gives what a document in CycloneDX says (https://cyclonedx.org/docs/latest/json/). */
export function fromCycloneDx(document: Shaped<typeof cyclonedxShape>): SbomReading {
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
