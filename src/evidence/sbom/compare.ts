// SPDX-License-Identifier: Apache-2.0
import { FIPS_MODULE_PATH, type GoBuildInfo } from '#formats';
import { type ImageContent, packagesOf } from './image-content.ts';
import { LINKED, standardLibraryVersion } from './purls.ts';
import type { ReadComponent, SbomReading } from './read.ts';

/** One thing in which an SBOM and the image's content differ. What is undefined on one side is missing there. */
export interface SbomDifference {
  readonly what: 'image' | 'module' | 'standard library' | 'package' | 'file';
  readonly name: string;
  readonly sbom: string | undefined;
  readonly image: string | undefined;
}

/** `files`: `all`, the default, demands every regular file of the image; `listed` compares those alone that the SBOM lists, as other tools list only some. */
export interface CompareOptions {
  readonly files?: 'all' | 'listed';
}

/**
 * Compares an SBOM with what is really in the image: the manifest's digest and architecture, the modules and hashes that
 * the linker wrote into each Go program and its Go version, packages of the distribution by the image's own lists, and the SHA-256 of files.
 * Gives every difference, either way; none means that the SBOM is true and complete in these.
 */
export function compareSbom(
  sbom: SbomReading,
  content: ImageContent,
  options: CompareOptions = {},
): readonly SbomDifference[] {
  const present = sbom.components.filter((component) => !component.excluded && !component.described);
  const ofType = (type: string) =>
    present.filter(({ purl }) => purl?.type === type && purl.qualifiers?.[LINKED] === undefined);
  const [standardLibrary, modules] = partition(ofType('golang'), isStandardLibrary);
  return [
    ...compareSubject(sbom, content),
    ...compareModules(modules, [...content.programs.values()]),
    ...compareSets({
      what: 'standard library',
      sbom: standardLibrary.map((one) => ['stdlib', `v${one.version.replace(/^(?:go|v)/, '')}`]),
      image: [...content.programs.values()].map(({ goVersion }) => ['stdlib', standardLibraryVersion(goVersion)]),
    }),
    ...compareSets({
      what: 'package',
      sbom: ['deb', 'apk', 'rpm'].flatMap((type) =>
        ofType(type).map((one) => [one.name, `${plainVersion(one)} ${one.purl?.qualifiers?.['arch'] ?? ''}`] as const),
      ),
      image: packagesOf(content).map((one) => [one.name, `${one.version} ${one.architecture}`]),
    }),
    ...compareFiles(sbom, content, options.files ?? 'all'),
  ];
}

/** Some tools write an rpm's epoch before its version; it has a qualifier of its own. */
function plainVersion({ purl, version }: ReadComponent): string {
  return purl?.type === 'rpm' ? version.replace(/^\d+:/, '') : version;
}

function isStandardLibrary(component: ReadComponent): boolean {
  return component.purl?.namespace === undefined && component.purl?.name === 'stdlib';
}

function compareSubject(sbom: SbomReading, content: ImageContent): SbomDifference[] {
  const described = sbom.components.filter((component) => component.described);
  return described.flatMap((image) => {
    const claims: readonly (readonly [string, string | undefined, string])[] = [
      ['manifest', image.digest, content.manifest],
      ['architecture', image.purl?.qualifiers?.['arch'], content.architecture],
    ];
    return claims.flatMap(([name, claimed, real]): SbomDifference[] =>
      claimed === undefined || claimed === real ? [] : [{ what: 'image', name, sbom: claimed, image: real }],
    );
  });
}

/** Modules by path; where the linker knows no version (main module, folders) the path alone counts, and hashes where both sides have one. */
function compareModules(claimed: readonly ReadComponent[], programs: readonly GoBuildInfo[]): SbomDifference[] {
  const real = new Map(programs.flatMap(modulesOf).map((module) => [`${module.path}@${module.version}`, module]));
  const paths = new Map([...real.values()].map((module) => [module.path, module]));
  const found = new Set<string>();
  const faults = claimed.flatMap((one): SbomDifference[] => {
    const module = real.get(`${one.name}@${one.version}`) ?? unversioned(paths.get(one.name));
    if (module === undefined)
      return [{ what: 'module', name: `${one.name}@${one.version}`, sbom: 'listed', image: undefined }];
    found.add(`${module.path}@${module.version}`);
    if (one.h1 === undefined && module.hash === undefined) return [];
    if (one.h1 === module.hash || module.version === DEVELOPMENT || module.path === FIPS_MODULE_PATH) return [];
    return [{ what: 'module', name: `${one.name}@${one.version}`, sbom: one.h1, image: module.hash }];
  });
  const missing = [...real].filter(([name]) => !found.has(name));
  return [
    ...faults,
    ...missing.map(([name]): SbomDifference => ({ what: 'module', name, sbom: undefined, image: 'compiled in' })),
  ];
}

const DEVELOPMENT = '(devel)';

/** A module that is in a program; `version` is {@link DEVELOPMENT} where the linker knows none. */
export interface RealModule {
  readonly path: string;
  readonly version: string;
  readonly hash: string | undefined;
}

function unversioned(module: RealModule | undefined): RealModule | undefined {
  return module?.version === DEVELOPMENT ? module : undefined;
}

/** Gives the modules in a program, the FIPS module that Go's toolchain carries among them, and what replaces one in its place. One that a folder replaces keeps its own name: the folder's is of no use outside its source. */
export function modulesOf({ main, dependencies, settings }: GoBuildInfo): RealModule[] {
  const all = [...(main === undefined ? [] : [main]), ...dependencies];
  const fips = settings.get('GOFIPS140');
  const carried = fips === undefined ? [] : [{ path: FIPS_MODULE_PATH, version: fips, hash: undefined }];
  const modules = all.map((module) => {
    const { replacedBy } = module;
    if (replacedBy === undefined) return { ...module, version: module.version || DEVELOPMENT };
    if (/^\.{0,2}\//.test(replacedBy.path)) return { path: module.path, version: DEVELOPMENT, hash: undefined };
    return { path: replacedBy.path, version: replacedBy.version, hash: replacedBy.hash };
  });
  return [...modules, ...carried];
}

interface Sets {
  readonly what: SbomDifference['what'];
  readonly sbom: readonly (readonly [string, string])[];
  readonly image: readonly (readonly [string, string])[];
}

function compareSets({ what, sbom, image }: Sets): SbomDifference[] {
  const known = (pairs: Sets['sbom']) => new Set(pairs.map((pair) => pair.join(' ')));
  const claimed = known(sbom);
  const real = known(image);
  const lacking = (pairs: Sets['sbom'], other: ReadonlySet<string>) =>
    new Map(pairs.filter((pair) => !other.has(pair.join(' '))));
  const extra = lacking(sbom, real);
  const missing = lacking(image, claimed);
  const names = [...new Set([...extra.keys(), ...missing.keys()])].sort();
  return names.map((name) => ({ what, name, sbom: extra.get(name), image: missing.get(name) }));
}

function compareFiles(sbom: SbomReading, content: ImageContent, extent: 'all' | 'listed'): SbomDifference[] {
  const faults = [...sbom.files].flatMap(([path, claimed]): SbomDifference[] => {
    const real = content.files.get(path)?.digest;
    const same = claimed === undefined ? extent === 'listed' && real !== undefined : claimed === real;
    return same ? [] : [{ what: 'file', name: `/${path}`, sbom: claimed, image: real }];
  });
  if (extent === 'listed') return faults;
  const missing = [...content.files].filter(([path]) => !sbom.files.has(path));
  return [
    ...faults,
    ...missing.map(
      ([path, file]): SbomDifference => ({ what: 'file', name: `/${path}`, sbom: undefined, image: file.digest }),
    ),
  ];
}

function partition<T>(values: readonly T[], test: (value: T) => boolean): [T[], T[]] {
  return [values.filter(test), values.filter((value) => !test(value))];
}
