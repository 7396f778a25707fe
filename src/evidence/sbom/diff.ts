// SPDX-License-Identifier: Apache-2.0
import { parsePurl } from '#formats';
import { modulesOf } from './compare.ts';
import { type ImageContent, packagesOf } from './image-content.ts';
import { modulePurl, standardLibraryVersion } from './purls.ts';
import type { ReadComponent, SbomReading } from './read.ts';

/** One thing that differs between two images; `before` is undefined for what is new, `after` for what is gone. */
export interface SbomChange {
  readonly what: 'module' | 'package' | 'standard library' | 'toolchain' | 'licence' | 'file';
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const TOOLCHAIN = 'golang.org/toolchain';

/** Takes the SBOMs of two images; gives what changed from one to the other, by kind, then by name. Nothing means that all they list is the same. */
export function diffSboms(before: SbomReading, after: SbomReading): readonly SbomChange[] {
  const changed = (what: SbomChange['what'], values: (sbom: SbomReading) => ReadonlyMap<string, string>) =>
    changesOf(what, values(before), values(after));
  return [
    ...changed('module', (sbom) => versionsOf(sbom, 'module')),
    ...changed('package', (sbom) => versionsOf(sbom, 'package')),
    ...changed('standard library', (sbom) => versionsOf(sbom, 'standard library')),
    ...changed('toolchain', (sbom) => versionsOf(sbom, 'toolchain')),
    ...changed('licence', licencesOf).filter((change) => change.before !== undefined && change.after !== undefined),
    ...changed('file', (sbom) => new Map([...sbom.files].map(([path, digest]) => [`/${path}`, digest ?? 'unknown']))),
  ];
}

/** Takes an image's content; gives it in the form of an SBOM's, for images that have none. Licences are not known then. */
export function contentReading(content: ImageContent): SbomReading {
  const part = { excluded: false, described: false };
  const modules = [...content.programs.values()].flatMap((program): ReadComponent[] => {
    const version = standardLibraryVersion(program.goVersion);
    return [
      { ...part, name: 'stdlib', version, purl: parsePurl(modulePurl('stdlib', version)) },
      ...modulesOf(program).map((module) => ({
        ...part,
        name: module.path,
        version: module.version,
        purl: parsePurl(modulePurl(module.path, module.version)),
        ...(module.hash === undefined ? {} : { h1: module.hash }),
      })),
    ];
  });
  const packages = packagesOf(content).map(({ kind, name, version, architecture }) => ({
    ...part,
    name,
    version,
    purl: { type: kind, name, version, qualifiers: { arch: architecture } },
  }));
  return {
    format: 'spdx',
    specVersion: '2.3',
    name: content.manifest,
    components: [...modules, ...packages],
    files: new Map([...content.files].map(([path, file]) => [path, file.digest])),
  };
}

function kindOf(component: ReadComponent): SbomChange['what'] | undefined {
  if (component.described) return undefined;
  if (component.name === TOOLCHAIN) return 'toolchain';
  if (component.excluded) return undefined;
  const { purl } = component;
  if (purl?.type === 'golang')
    return purl.name === 'stdlib' && purl.namespace === undefined ? 'standard library' : 'module';
  return purl === undefined ? undefined : 'package';
}

/** Versions by name; where a name comes with several, all of them. */
function versionsOf(sbom: SbomReading, kind: SbomChange['what']): ReadonlyMap<string, string> {
  const versions = new Map<string, Set<string>>();
  for (const component of sbom.components) {
    if (kindOf(component) !== kind) continue;
    versions.set(component.name, (versions.get(component.name) ?? new Set()).add(component.version));
  }
  return new Map([...versions].map(([name, all]) => [name, [...all].sort().join(', ')]));
}

function licencesOf(sbom: SbomReading): ReadonlyMap<string, string> {
  return new Map(
    sbom.components.flatMap((component) =>
      component.licence === undefined || component.described ? [] : [[component.name, component.licence]],
    ),
  );
}

function changesOf(
  what: SbomChange['what'],
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): SbomChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const change = { what, name, before: before.get(name), after: after.get(name) };
    return change.before === change.after ? [] : [change];
  });
}
