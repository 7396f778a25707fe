// SPDX-License-Identifier: Apache-2.0
import { boringFaults } from './boring.ts';
import { type CertifiedVersion, findCertified } from './certificates.ts';
import { type CryptoFacts, type CryptoMode, moduleFaults } from './crypto.ts';
import { findOutsideCryptography } from './fips-outside.ts';
import { type GoProgram, type OtherProgram, readProgram } from './read-program.ts';

/** What a Go program's own bytes say of its cryptography, whoever built it. No fault means: it runs a validated module. */
export type ProgramExamination = CryptoFacts & {
  readonly kind: 'go';
  /** `linux/amd64`, as it is built for. */
  readonly platform: string;
  readonly toolchain: string;
  /** The import path of its main package, and `path@version` of its main module. */
  readonly package: string;
  readonly module: string;
  readonly mode: CryptoMode;
  /** What its module is; undefined where it has none, or one that is not known. */
  readonly certified: CertifiedVersion | undefined;
  readonly faults: readonly string[];
  /** Cryptography beside the module. What imports it can't be read from a program. */
  readonly outside: readonly { readonly package: string; readonly what: string }[];
};

/** Takes a file, which may be anything; gives what its bytes say of its cryptography. Runs nothing, and follows no link. */
export async function examineProgram(path: string): Promise<ProgramExamination | OtherProgram> {
  const program = await readProgram(path);
  if (program.kind !== 'go') return program;
  const { info, elf, fips, boring } = program;
  const mode = modeOf(program);
  const certified =
    mode === 'none'
      ? undefined
      : mode === 'boring'
        ? findCertified('BoringCrypto', boring.version ?? '')
        : findCertified('Go Cryptographic Module', fips.version ?? '');
  return {
    kind: 'go',
    platform: `${info.settings.get('GOOS') ?? 'unknown'}/${info.settings.get('GOARCH') ?? elf.machine}`,
    toolchain: info.goVersion,
    package: info.path,
    module: info.main === undefined ? '' : `${info.main.path}@${info.main.version}`,
    mode,
    certified,
    fips,
    boring,
    faults: [...architectureFaults(program), ...faultsOf(program, mode, certified)],
    outside: findOutsideCryptography(program.packages, new Map()).map((one) => ({
      package: one.package,
      what: one.what,
    })),
  };
}

function modeOf({ fips, boring }: CryptoFacts): CryptoMode {
  if (boring.experiment || boring.functions > 0) return 'boring';
  return fips.version === undefined || fips.version === 'off' ? 'none' : 'fips140';
}

function architectureFaults({ elf, info }: GoProgram): string[] {
  const told = info.settings.get('GOARCH');
  const same = elf.machine === 'other' || told === undefined || told === elf.machine;
  return same ? [] : [`it is built for ${elf.machine}, and says ${told}`];
}

function faultsOf({ fips, boring }: CryptoFacts, mode: CryptoMode, certified: CertifiedVersion | undefined): string[] {
  if (mode === 'boring') return boringFaults(boring);
  if (mode === 'none') {
    const asked = fips.onByDefault ? ', though FIPS mode is on by default (DefaultGODEBUG)' : '';
    return [
      `it is built without a validated module${asked}: GOFIPS140 is ${fips.version ?? 'not set'}, and BoringCrypto is not linked in`,
    ];
  }
  return [...versionFaults(fips.version ?? '', certified), ...moduleFaults(fips)];
}

function versionFaults(version: string, certified: CertifiedVersion | undefined): string[] {
  if (certified?.certificate !== undefined) return [];
  if (version === 'latest')
    return ["GOFIPS140 is latest: it runs the toolchain's own cryptography, which is of no validated version"];
  const why = certified?.note ?? 'no version that is known to be validated';
  return [`GOFIPS140 is ${version}: ${why}`];
}
