// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { hexOf } from '#core';
import type { Json } from '#formats';
import { toRfc3339 } from '#image';
import { H1_REFERENCE } from './names.ts';
import { describePatched } from './patched.ts';
import type { ComponentKind, ListedFile, Sbom, SbomComponent } from './types.ts';

const PURPOSES: Readonly<Partial<Record<ComponentKind, string>>> = {
  image: 'CONTAINER',
  application: 'APPLICATION',
  module: 'LIBRARY',
  'standard-library': 'LIBRARY',
  linked: 'LIBRARY',
  distribution: 'OPERATING-SYSTEM',
  source: 'SOURCE',
};

/** Takes the model; gives the SPDX 2.3 document as JSON: the predicate of an `https://spdx.dev/Document` statement. */
export function toSpdx(sbom: Sbom): Json {
  const files = new Map(sbom.files.map((file) => [file.id, file]));
  const relation = (from: string, kind: string, to: string) => ({
    spdxElementId: `SPDXRef-${from}`,
    relationshipType: kind,
    relatedSpdxElement: `SPDXRef-${to}`,
  });
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: sbom.name,
    documentNamespace: `https://spdx.org/spdxdocs/${sbom.name.replace(/[^A-Za-z0-9.]+/g, '-')}-${sbom.uuid}`,
    creationInfo: {
      created: toRfc3339(sbom.created),
      creators: [`Organization: ${sbom.author}`, `Tool: ${sbom.tool.name}-${sbom.tool.version}`],
    },
    packages: sbom.components.map((component) => toPackage(component, sbom, files)),
    files: sbom.files.map(toFile),
    relationships: [
      relation('DOCUMENT', 'DESCRIBES', sbom.root),
      ...sbom.relations.map(({ from, kind, to }) => relation(from, kind, to)),
    ],
    hasExtractedLicensingInfos:
      sbom.otherLicences.size === 0
        ? undefined
        : [...sbom.otherLicences].map(([licenseId, extractedText]) => ({ licenseId, extractedText })),
  };
}

function toPackage(component: SbomComponent, sbom: Sbom, files: ReadonlyMap<string, ListedFile>): Json {
  // The image's code covers every file in it, a package's the files of the package that the image holds.
  const analyzed = component.id === sbom.root ? sbom.files : component.files.flatMap((id) => files.get(id) ?? []);
  const { source, digest } = component;
  return {
    SPDXID: `SPDXRef-${component.id}`,
    name: component.name,
    versionInfo: component.version,
    supplier: `Organization: ${component.supplier}`,
    originator: component.maintainer === undefined ? undefined : toAgent(component.maintainer),
    downloadLocation: component.commit ?? 'NOASSERTION',
    homepage: component.homepage,
    primaryPackagePurpose: PURPOSES[component.kind],
    filesAnalyzed: analyzed.length > 0,
    packageVerificationCode:
      analyzed.length === 0 ? undefined : { packageVerificationCodeValue: verificationCode(analyzed) },
    checksums: digest === undefined ? undefined : [{ algorithm: 'SHA256', checksumValue: hexOf(digest) }],
    sourceInfo: source === undefined ? undefined : `built from the source package ${source.name} ${source.version}`,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: component.licence,
    copyrightText: 'NOASSERTION',
    externalRefs: referencesOf(component),
    comment:
      component.kind === 'image'
        ? `platform ${sbom.platform}, config ${sbom.configDigest}`
        : describePatched(component),
  };
}

function referencesOf({ purl, cpe, h1 }: SbomComponent): Json | undefined {
  const references = [
    ...(purl === undefined ? [] : [['PACKAGE-MANAGER', 'purl', purl]]),
    ...(cpe === undefined ? [] : [['SECURITY', 'cpe23Type', cpe]]),
    ...(h1 === undefined ? [] : [['OTHER', H1_REFERENCE, h1]]),
  ];
  if (references.length === 0) return undefined;
  return references.map(([referenceCategory, referenceType, referenceLocator]) => ({
    referenceCategory,
    referenceType,
    referenceLocator,
  }));
}

function toFile(file: ListedFile): Json {
  return {
    SPDXID: `SPDXRef-${file.id}`,
    fileName: `./${file.path}`,
    fileTypes: file.program ? ['APPLICATION', 'BINARY'] : undefined,
    checksums: [
      { algorithm: 'SHA1', checksumValue: file.sha1 },
      { algorithm: 'SHA256', checksumValue: hexOf(file.digest) },
    ],
    licenseConcluded: 'NOASSERTION',
    licenseInfoInFiles: ['NOASSERTION'],
    copyrightText: 'NOASSERTION',
  };
}

/** SPDX 2.3, 7.9: the SHA-1 of the files' SHA-1 sums, sorted and strung together. */
function verificationCode(files: readonly ListedFile[]): string {
  const sums = files.map((file) => file.sha1).sort();
  return createHash('sha1').update(sums.join('')).digest('hex');
}

/** `Name <address>` as SPDX writes agents (6.8). Debian's maintainers are teams as often as people, and say so in the name. */
function toAgent(maintainer: string): string {
  const [, name = maintainer, address] = /^"?(.*?)"?\s*<([^<>]+)>$/.exec(maintainer) ?? [];
  const kind = /team|group|maintainers|developers|project|packag/i.test(name) ? 'Organization' : 'Person';
  return `${kind}: ${name.replace(/[()]/g, '')}${address === undefined ? '' : ` (${address})`}`;
}
