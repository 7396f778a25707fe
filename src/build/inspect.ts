// SPDX-License-Identifier: Apache-2.0
import { architectureOf, type Platform } from '#core';
import type { BuiltModule, GoBuildInfo } from '#formats';
import { type CryptoMode, cryptoFaults, experimentsOf } from './crypto.ts';
import { BuildError } from './error.ts';
import { readProgram } from './read-program.ts';

/** What a binary was asked to be. `hashes` maps `path@version` to the proved h1 of every module that may be compiled in. */
export interface BinaryExpectation {
  readonly component: string;
  readonly platform: Platform;
  readonly crypto: CryptoMode;
  readonly goVersion: string;
  readonly experiments: readonly string[];
  readonly mainModule: string;
  /** Modules laid into the source from proved zips; the binary names them without a hash. */
  readonly nestedModules: readonly string[];
  readonly hashes: ReadonlyMap<string, string>;
}

/** A module that was compiled in, by what Go itself wrote into the binary. */
export interface CompiledModule {
  readonly path: string;
  readonly version: string;
  readonly hash: string;
}

/**
 * Reads a compiled program's own account of itself and compares it with what was asked: architecture, static linking,
 * Go release, build settings, crypto mode, and the hash of every module. Gives the modules compiled in, in the linker's order.
 * Throws `BINARY_NOT_AS_ASKED` naming every difference.
 */
export async function checkBinary(path: string, expected: BinaryExpectation): Promise<readonly CompiledModule[]> {
  const program = await readProgram(path);
  if (program.kind !== 'go') throw notAsAsked(expected, [program.why]);
  const { elf, info } = program;
  const modules = info.dependencies.map((module) => module.replacedBy ?? module);
  const faults = [
    ...settingFaults(info, expected),
    ...cryptoFaults(program, expected.crypto),
    ...(elf.machine === architectureOf(expected.platform) ? [] : [`it is built for ${elf.machine}`]),
    ...(elf.interpreter === undefined && !elf.dynamic ? [] : ['it is dynamically linked']),
    ...modules.flatMap((module) => moduleFaults(module, expected)),
  ];
  if (faults.length > 0) throw notAsAsked(expected, faults);
  return modules.flatMap(({ path: name, version, hash }) =>
    hash === undefined ? [] : [{ path: name, version, hash }],
  );
}

function settingFaults(info: GoBuildInfo, expected: BinaryExpectation): string[] {
  const experiments = experimentsOf(expected.crypto, expected.experiments);
  const wanted: Readonly<Record<string, string>> = {
    CGO_ENABLED: expected.crypto === 'boring' ? '1' : '0',
    GOOS: 'linux',
    GOARCH: architectureOf(expected.platform),
    '-trimpath': 'true',
    ...(experiments.length === 0 ? {} : { GOEXPERIMENT: [...experiments].sort().join(',') }),
  };
  const told = (name: string) => {
    const value = info.settings.get(name);
    return name === 'GOEXPERIMENT' ? value?.split(',').sort().join(',') : value; // the linker has an order of its own
  };
  const faults = Object.entries(wanted)
    .filter(([name, value]) => told(name) !== value)
    .map(([name, value]) => `${name} is ${info.settings.get(name) ?? 'not set'} instead of ${value}`);
  if (info.goVersion !== expected.goVersion)
    faults.push(`it is compiled by ${info.goVersion} instead of ${expected.goVersion}`);
  if (info.main?.path !== expected.mainModule)
    faults.push(`its main module is ${info.main?.path ?? 'unknown'} instead of ${expected.mainModule}`);
  return faults;
}

function moduleFaults(module: Omit<BuiltModule, 'replacedBy'>, expected: BinaryExpectation): string[] {
  if (module.hash === undefined) {
    const local = module.path.startsWith('./') || expected.nestedModules.includes(module.path);
    return local ? [] : [`it holds ${module.path} without a hash`];
  }
  const proved = expected.hashes.get(`${module.path}@${module.version}`);
  return proved === module.hash
    ? []
    : [`it holds ${module.path}@${module.version} as ${module.hash}, proved is ${proved ?? 'none'}`];
}

function notAsAsked(expected: BinaryExpectation, faults: readonly string[]): BuildError {
  return new BuildError('BINARY_NOT_AS_ASKED', `the compiled program is not what was asked for: ${faults.join('; ')}`, {
    where: `${expected.component} (${expected.platform})`,
    hint: 'The toolchain or a cached object may be damaged: remove the build cache with `oakum cache prune --all` and build again.',
  });
}
