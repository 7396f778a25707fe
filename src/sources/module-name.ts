// SPDX-License-Identifier: Apache-2.0
import { escapeModuleText, isCanonicalModuleVersion, modulePathFault, type ModuleVersion } from '#formats';
import { SourcesError } from './error.ts';

/** Takes a module; gives `path@version`, as people and zip files write it. */
export function nameOf(module: ModuleVersion): string {
  return `${module.path}@${module.version}`;
}

/** Takes a module; gives `path@version` as file systems and URLs need it: `!x` for each upper-case X (https://go.dev/ref/mod#goproxy-protocol). */
export function escapedNameOf(module: ModuleVersion): string {
  return `${escapeModuleText(module.path)}@${escapeModuleText(module.version)}`;
}

/** Gives the path of a module's file below a proxy and below a module cache's `cache/download`: `<path>/@v/<version>.<suffix>`. */
export function proxyPathOf(module: ModuleVersion, suffix: 'info' | 'mod' | 'zip' | 'ziphash'): string {
  return `${escapeModuleText(module.path)}/@v/${escapeModuleText(module.version)}.${suffix}`;
}

/** Throws `MODULE_NAME_INVALID` unless path and version are valid and the version canonical, so that both are safe in paths and URLs. */
export function assertModule(module: ModuleVersion): void {
  const fault = modulePathFault(module.path);
  if (fault !== undefined) {
    throw new SourcesError('MODULE_NAME_INVALID', `the module path ${JSON.stringify(module.path)} ${fault}`);
  }
  if (!isCanonicalModuleVersion(module.version)) {
    throw new SourcesError(
      'MODULE_NAME_INVALID',
      `${JSON.stringify(module.version)} of ${module.path} is not a canonical module version such as v1.2.3`,
    );
  }
}
