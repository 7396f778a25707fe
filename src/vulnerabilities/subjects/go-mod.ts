// SPDX-License-Identifier: Apache-2.0
import { compareGoVersions, compareModuleVersions, type GoMod, replacementOf, type SumLine } from '#formats';
import { mergePackages, type ScanPackage, type ScanSubject } from '../subject.ts';
import { modulePackage, standardLibrary } from './go-packages.ts';

/** From this Go version on, go.mod names every module that a build can use (https://go.dev/ref/mod#graph-pruning). */
const COMPLETE_SINCE = '1.17';

/**
 * Gives what a go.mod says is built in: each required module, or what replaces it, and the standard library of the Go
 * release that its `toolchain` or `go` line names. Before Go 1.17 the indirect modules stand in go.sum alone.
 */
export function modulePackages(
  mod: GoMod,
  sums: readonly SumLine[] | undefined,
): Pick<ScanSubject, 'basis' | 'packages' | 'gaps'> {
  const isComplete = compareGoVersions(mod.go ?? '1.16', COMPLETE_SINCE) >= 0;
  const required = mod.require.map((one) => requiredPackage(mod, one));
  const names = new Set(mod.require.map((one) => one.path));
  const summed = isComplete
    ? []
    : newestSums(sums ?? []).filter((one) => !names.has(one.path) && one.path !== mod.module);
  const go = mod.toolchain ?? mod.go;
  return {
    basis: isComplete || sums === undefined ? 'go.mod' : 'go.mod and go.sum',
    packages: mergePackages([
      ...required,
      ...summed.map((one) => requiredPackage(mod, one)),
      ...(go === undefined || go === 'default' ? [] : [standardLibrary(go)]),
    ]),
    gaps:
      !isComplete && sums === undefined
        ? [{ what: 'indirect modules', reason: 'before Go 1.17 they stand in go.sum alone, and there is none' }]
        : [],
  };
}

/** The replacement is what is built; a folder has no version that could be looked up. */
function requiredPackage(mod: GoMod, required: { readonly path: string; readonly version: string }): ScanPackage {
  const target = replacementOf(mod, required)?.target;
  const replaces = `${required.path} ${required.version}`;
  if (target === undefined) return modulePackage({ path: required.path, version: required.version });
  if (target.kind === 'module') return modulePackage({ ...target.module, replaces });
  const { occurrences, ...rest } = modulePackage({ path: required.path, version: '' });
  return {
    ...rest,
    occurrences: occurrences.map((one) => ({ ...one, version: target.folder, how: `a folder replaces ${replaces}` })),
  };
}

function newestSums(sums: readonly SumLine[]): readonly SumLine[] {
  const newest = new Map<string, SumLine>();
  for (const line of sums) {
    const known = newest.get(line.path);
    if (line.of === 'zip' && (known === undefined || compareModuleVersions(line.version, known.version) > 0))
      newest.set(line.path, line);
  }
  return [...newest.values()];
}
