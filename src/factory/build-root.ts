// SPDX-License-Identifier: Apache-2.0
import { buildRootPackages, type LockedPackage } from '#bases';
import { BORING_MODULE } from '#build';
import { architectureOf, type Platform, reportStep } from '#core';
import type { DebianBaseDefinition, Definition, Lock } from '#definition';
import { linkedPurl, type SbomLinked } from '#evidence';
import { FactoryError } from './error.ts';
import type { Job } from './prepare.ts';
import type { Workshop } from './workshop.ts';

type BuildRoot = NonNullable<Lock['buildRoot']>;

/** Says whether any of the channels (all by default) is compiled with a C compiler. */
export function needsCompiler(
  { channels }: Pick<Definition, 'channels'>,
  names: readonly string[] = Object.keys(channels),
): boolean {
  return names.some((name) => channels[name]?.crypto === 'boring');
}

/** Says whether a lock lacks the build root that the definition needs, for any machine, or holds it with other packages or suites. */
export function lacksBuildRoot(lock: Lock, definition: Definition): boolean {
  if (!needsCompiler(definition)) return false;
  const { buildRoot } = lock;
  const suites = buildRoot?.releases.map(({ suite }) => suite) ?? [];
  const fits = (platform: Platform) =>
    buildRoot?.packages[platform]?.map(({ name }) => name).join() ===
    buildRootPackages(architectureOf(platform)).join();
  return !definition.platforms.every(fits) || !definition.buildRoot.suites.every((suite) => suites.includes(suite));
}

/** Finds the packages of the build root for each machine that may compile. Throws what bases throw. */
export async function resolveBuildRoot(definition: Definition, shop: Workshop): Promise<BuildRoot> {
  const { value } = await reportStep(shop.report, { subject: 'build root', step: 'resolve' }, async () => {
    const debian = await shop.debian(asBase(definition));
    const resolved = await Promise.all(
      definition.platforms.map(async (platform) => {
        const architecture = architectureOf(platform);
        const packages = buildRootPackages(architecture);
        return [platform, await debian.resolve({ ...definition.buildRoot, packages }, architecture)] as const;
      }),
    );
    const releases = resolved[0]?.[1].releases ?? [];
    const packages = Object.fromEntries(resolved.map(([platform, one]) => [platform, [...one.packages]]));
    return { value: { releases: [...releases], packages } as BuildRoot, cached: false };
  });
  return value;
}

/** Gives the packages of the build root on a machine. Throws `LOCK_INCOMPLETE`. */
export function buildRootOf(
  lock: Lock,
  { machine, release }: { readonly machine: Platform; readonly release: string },
): readonly LockedPackage[] {
  const packages = lock.buildRoot?.packages[machine];
  if (packages !== undefined) return packages;
  throw new FactoryError('LOCK_INCOMPLETE', `the lock lacks a build root for ${machine}`, {
    hint: `Run \`oakum lock ${release}\`; \`platforms\` of the definition must name ${machine}.`,
  });
}

/** Fetches and lays out the build root once; gives its folder. */
export async function openBuildRoot(
  definition: Definition,
  packages: readonly LockedPackage[],
  shop: Workshop,
): Promise<string> {
  const laid = await reportStep(shop.report, { subject: 'build root', step: 'fetch' }, async () =>
    (await shop.debian(asBase(definition))).buildRoot(packages),
  );
  return laid.path;
}

function asBase({ buildRoot }: Definition): DebianBaseDefinition {
  return { kind: 'debian', packages: [], ...buildRoot };
}

/** Debian's source package of the C library; cross packages are built from the same text under another name. */
const GLIBC = 'glibc';

/** Gives what a program holds beside Go's own code where a C compiler linked it: BoringCrypto and the C library. */
export function linkedOf({ compiler, platform }: Job): readonly SbomLinked[] {
  if (compiler === undefined) return [];
  const cross = `libc6-dev-${architectureOf(platform)}-cross`;
  const library = compiler.find(({ name }) => name === cross) ?? compiler.find(({ name }) => name === 'libc6-dev');
  if (library === undefined) throw new TypeError('a program was linked with no C library');
  const source = { name: GLIBC, version: library.version.replace(/cross\d+$/, '') };
  return [
    {
      name: 'BoringCrypto',
      version: BORING_MODULE.version,
      supplier: 'Google LLC',
      licence: 'OpenSSL AND ISC',
      purl: `pkg:generic/boringcrypto@${BORING_MODULE.version}`,
    },
    {
      name: library.name,
      version: library.version,
      supplier: 'Debian',
      licence: 'LGPL-2.1-or-later',
      purl: linkedPurl({ ...library, source }, { id: 'debian', versionId: '13' }),
    },
  ];
}
