// SPDX-License-Identifier: Apache-2.0
import { hexOf } from '#core';
import type { Json } from '#formats';
import { toRfc3339 } from '#image';
import { PROPERTIES } from './names.ts';
import { pedigreeOf } from './patched.ts';
import type { ComponentKind, ListedFile, Sbom, SbomComponent, SbomRelation } from './types.ts';

const TYPES: Readonly<Record<Exclude<ComponentKind, 'source'>, string>> = {
  image: 'container',
  application: 'application',
  module: 'library',
  'standard-library': 'library',
  linked: 'library',
  toolchain: 'application',
  distribution: 'operating-system',
  package: 'library',
};

/**
 * Takes the model; gives the CycloneDX 1.6 BOM as JSON: the predicate of an `https://cyclonedx.org/bom` statement. CONTAINS is
 * nesting, DEPENDS_ON is `dependencies`, GENERATED_FROM is a pedigree or a reference to the commit, the rest are properties.
 */
export function toCycloneDx(sbom: Sbom): Json {
  const files = new Map(sbom.files.map((file) => [file.id, file]));
  const related = relatedOf(sbom);
  const holds = (ids: readonly string[]) =>
    ids.flatMap((id) => {
      const file = files.get(id);
      return file === undefined ? [] : [toFile(file, related.get(id) ?? [])];
    });
  const toComponent = (component: SbomComponent): { readonly [key: string]: Json | undefined } => ({
    ...describe(component),
    properties: propertiesOf([
      ...(component.h1 === undefined ? [] : [[PROPERTIES.h1, component.h1] as const]),
      ...(related.get(component.id) ?? []),
      ...(component.id === sbom.root
        ? [[PROPERTIES.config, sbom.configDigest] as const, [PROPERTIES.platform, sbom.platform] as const]
        : []),
    ]),
    components: component.id === sbom.root || component.files.length === 0 ? undefined : holds(component.files),
  });
  const root = sbom.components.find((component) => component.id === sbom.root) as SbomComponent;
  const others = sbom.components.filter((component) => component !== root && component.kind !== 'source');
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${sbom.uuid}`,
    version: 1,
    metadata: {
      timestamp: toRfc3339(sbom.created),
      lifecycles: [{ phase: 'build' }],
      tools: { components: [{ type: 'application', name: sbom.tool.name, version: sbom.tool.version }] },
      authors: [{ name: sbom.author }],
      component: toComponent(root),
      supplier: { name: sbom.author },
    },
    components: [...others.map(toComponent), ...holds(root.files)],
    dependencies: dependenciesOf(sbom),
    compositions: [{ aggregate: 'complete', assemblies: [root.id] }],
  };
}

function describe(component: SbomComponent): { readonly [key: string]: Json | undefined } {
  const { digest, homepage, commit } = component;
  const links = [
    ...(homepage === undefined ? [] : [{ type: 'website', url: homepage }]),
    ...(commit === undefined ? [] : [{ type: 'vcs', url: commit }]),
  ];
  return {
    'bom-ref': component.id,
    type: component.kind === 'source' ? 'library' : TYPES[component.kind],
    name: component.name,
    version: component.version,
    supplier: { name: component.supplier },
    publisher: component.maintainer,
    scope: component.kind === 'toolchain' ? 'excluded' : 'required', // the toolchain made the image and is not in it
    hashes: digest === undefined ? undefined : [{ alg: 'SHA-256', content: hexOf(digest) }],
    licenses: licencesOf(component.licence),
    purl: component.purl,
    cpe: component.cpe,
    externalReferences: links.length === 0 ? undefined : links,
    pedigree: pedigreeOf(component),
  };
}

function licencesOf(expression: string): Json | undefined {
  if (expression === 'NOASSERTION') return undefined;
  const simple = /^[A-Za-z0-9.+-]+$/.test(expression) && !expression.startsWith('LicenseRef-');
  return simple
    ? [{ license: { id: expression, acknowledgement: 'declared' } }]
    : [{ expression, acknowledgement: 'declared' }];
}

function toFile(file: ListedFile, related: readonly (readonly [string, string])[]): Json {
  return {
    'bom-ref': file.id,
    type: 'file',
    name: `/${file.path}`,
    hashes: [
      { alg: 'SHA-1', content: file.sha1 },
      { alg: 'SHA-256', content: hexOf(file.digest) },
    ],
    properties: propertiesOf([[PROPERTIES.size, String(file.size)], ...related]),
  };
}

const PROPERTY_OF: Readonly<Partial<Record<SbomRelation['kind'], string>>> = {
  GENERATES: PROPERTIES.generates,
  METAFILE_OF: PROPERTIES.metafileOf,
  BUILD_TOOL_OF: PROPERTIES.buildToolOf,
};

/** What is said by a property of the one that it is said of. */
function relatedOf(sbom: Sbom): ReadonlyMap<string, readonly (readonly [string, string])[]> {
  const related = new Map<string, (readonly [string, string])[]>();
  for (const { from, kind, to } of sbom.relations) {
    const name = PROPERTY_OF[kind];
    if (name !== undefined) related.set(from, [...(related.get(from) ?? []), [name, to]]);
  }
  return related;
}

function propertiesOf(pairs: readonly (readonly [string, string])[]): Json | undefined {
  return pairs.length === 0 ? undefined : pairs.map(([name, value]) => ({ name, value }));
}

/** The image depends on what it is made of; what a module depends on in turn is not told, so modules have no entry. */
function dependenciesOf(sbom: Sbom): Json {
  const known = new Set(sbom.components.map((component) => component.id));
  const dependsOn = new Map<string, string[]>([[sbom.root, []]]);
  const below = new Set(sbom.relations.flatMap(({ kind, to }) => (kind === 'DEPENDS_ON' ? [to] : [])));
  for (const { from, kind, to } of sbom.relations) {
    const direct = kind === 'DEPENDS_ON' || (kind === 'CONTAINS' && from === sbom.root && !below.has(to));
    if (direct && known.has(to)) dependsOn.set(from, [...(dependsOn.get(from) ?? []), to]);
  }
  return [...dependsOn.keys()].sort().map((ref) => ({ ref, dependsOn: dependsOn.get(ref) }));
}
