// SPDX-License-Identifier: Apache-2.0
import { formatPurl, type GoBuildInfo, isModuleVersion } from '#formats';
import { goReleaseVersion } from '../match/version-order.ts';
import type { ScanPackage } from '../subject.ts';

/** Go's own modules, as the Go vulnerability database names them (https://go.dev/doc/security/vuln/database). */
const STANDARD_LIBRARY = 'stdlib';
const TOOLCHAIN = 'toolchain';

/** The module that holds a toolchain: `golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64`. */
const TOOLCHAIN_MODULE = 'golang.org/toolchain';

/** A module with what is told of its version; `scope` defaults to `image`. */
export interface ModuleName {
  readonly path: string;
  readonly version: string;
  readonly scope?: ScanPackage['scope'];
  /** The module that it stands in for, where a replace directive says so. */
  readonly replaces?: string;
}

/** Gives a module as advisories name it. Go's standard library and toolchain are matched by the release of Go. */
export function modulePackage(module: ModuleName): ScanPackage {
  const { path, version, replaces } = module;
  const scope = module.scope ?? 'image';
  const purl = modulePurl(path, version);
  const occurrence = {
    name: path,
    version,
    ...(purl === undefined ? {} : { purl }),
    ...(replaces === undefined ? {} : { how: `it replaces ${replaces}` }),
  };
  if (path === TOOLCHAIN_MODULE) {
    const release = /^v0\.0\.1-(go[0-9a-z.]+?)\.[a-z0-9]+-[a-z0-9]+$/.exec(version)?.[1] ?? version;
    return {
      ecosystem: 'Go',
      name: TOOLCHAIN,
      version: goReleaseVersion(release),
      scope: 'build',
      occurrences: [{ ...occurrence, how: 'the compiler' }],
    };
  }
  const known = path === STANDARD_LIBRARY || path === TOOLCHAIN ? goReleaseVersion(version) : moduleVersion(version);
  return { ecosystem: 'Go', name: path, version: known, scope, occurrences: [occurrence] };
}

/** Gives the standard library of a Go release (`go1.27.3`), which is in every Go program. */
export function standardLibrary(goVersion: string): ScanPackage {
  return modulePackage({ path: STANDARD_LIBRARY, version: goVersion });
}

/** Gives what the linker says is in a Go program: main module, dependencies (replaced ones as what stands in for them), standard library. */
export function programPackages(info: GoBuildInfo): readonly ScanPackage[] {
  const modules = [...(info.main === undefined ? [] : [info.main]), ...info.dependencies];
  return [
    standardLibrary(info.goVersion),
    ...modules.map(({ path, version, replacedBy }) => {
      // A folder that stands in for a module has a path that is none, and no version: the module's own name counts then.
      if (replacedBy === undefined || replacedBy.version === '') return modulePackage({ path, version });
      return modulePackage({ path: replacedBy.path, version: replacedBy.version, replaces: `${path} ${version}` });
    }),
  ];
}

/** `(devel)`, nothing, and the version that Go gives a folder: none of them tells what it is. */
function moduleVersion(version: string): string | undefined {
  const text = /^\d/.test(version) ? `v${version}` : version;
  if (!isModuleVersion(text) || text.startsWith('v0.0.0-00010101000000-000000000000')) return undefined;
  return text;
}

function modulePurl(path: string, version: string): string | undefined {
  const slash = path.lastIndexOf('/');
  if (path.slice(slash + 1) === '') return undefined;
  return formatPurl({
    type: 'golang',
    namespace: slash === -1 ? undefined : path.slice(0, slash),
    name: path.slice(slash + 1),
    version: version === '' ? undefined : version,
  });
}
