// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { object, optional, optionalList, type Shaped, text } from '#formats';
import { H1_REFERENCE } from './names.ts';
import { plainPath, type SbomReading, toComponent, toDigest } from './read-component.ts';

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

/** A document in SPDX 2. Each package becomes a component at once, so that nothing is held twice: an SBOM can be large. */
export const spdxShape = object({
  spdxVersion: text,
  name: text,
  packages: optionalList(readSpdxPackage),
  files: optionalList(readSpdxFile),
  relationships: optionalList(object({ spdxElementId: text, relationshipType: text, relatedSpdxElement: text })),
  documentDescribes: optionalList(text),
});

/** Gives what a document in SPDX 2 says (https://spdx.github.io/spdx-spec/v2.3/). */
export function fromSpdx(document: Shaped<typeof spdxShape>): SbomReading {
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
