// SPDX-License-Identifier: Apache-2.0
import { type ElfFile, FIPS_MODULE_PATH, type GoBuildInfo, type ReadAt } from '#formats';

/** How a program's cryptography is built: as Go does by itself, or with the frozen Go Cryptographic Module in FIPS 140-3 mode. */
export type CryptoMode = 'none' | 'fips140';

/** A frozen Go Cryptographic Module and its validation. */
export type FipsModule = {
  readonly path: string;
  readonly version: string;
  /** The h1 hash of the module's zip, which Go's toolchains carry in lib/fips140. */
  readonly zipHash: string;
  /** The SHA-256 of that zip as a file, in hex: the value that the module's security policy names. */
  readonly zipSha256: string;
  /** What GOFIPS140 is set to. */
  readonly setting: string;
  readonly certificate: {
    readonly program: 'CMVP';
    readonly standard: 'FIPS 140-3';
    readonly number: number;
    readonly level: number;
    /** The last day on the active list, as published by the CMVP. */
    readonly sunset: string;
  };
};

/**
 * The Go Cryptographic Module that `fips140` builds with (https://go.dev/doc/security/fips140). Its zip never changes: Go's own
 * lib/fips140/fips140.sum holds the same SHA-256.
 */
export const FIPS_MODULE: FipsModule = {
  path: FIPS_MODULE_PATH,
  version: 'v1.0.0-c2097c7c',
  zipHash: 'h1:YapsF69QWGwygaBqdI0rp7IfE5a6tAwepNAHONVcWqQ=',
  zipSha256: 'daf3614e0406f67ae6323c902db3f953a1effb199142362a039e7526dfb9368b',
  setting: 'v1.0.0',
  certificate: { program: 'CMVP', standard: 'FIPS 140-3', number: 5247, level: 1, sunset: '2031-04-26' },
};

/** Gives the environment of the go command that a crypto mode adds. */
export function cryptoEnv(mode: CryptoMode): Readonly<Record<string, string>> {
  return mode === 'fips140' ? { GOFIPS140: FIPS_MODULE.setting } : {};
}

/** What a program shows of the module that was linked into it; undefined members are not there. */
export type FipsFacts = {
  /** The module's version, as the linker recorded it (build setting GOFIPS140). */
  readonly version: string | undefined;
  /** Whether FIPS mode is on unless GODEBUG says otherwise (build setting DefaultGODEBUG). */
  readonly onByDefault: boolean;
  /** The HMAC-SHA-256 over the module's code and data, in hex, which the program checks each time it starts. */
  readonly integritySum: string | undefined;
  /** The module's packages that are linked in. */
  readonly packages: readonly string[];
};

const FIPS_SECTION = '.go.fipsinfo';
const FIPS_MAGIC = Buffer.from('\xff Go fipsinfo \xff\0', 'latin1');
const SUM_BYTES = 32;

/** Takes an open Go program, its ELF headers, build information and linked packages; gives what it shows of the FIPS module. */
export async function readFipsFacts(
  readAt: ReadAt,
  elf: ElfFile,
  info: GoBuildInfo,
  packages: readonly string[],
): Promise<FipsFacts> {
  const version = info.settings.get('GOFIPS140');
  const defaults = info.settings.get('DefaultGODEBUG')?.split(',') ?? [];
  const prefix = `crypto/internal/fips140/${version ?? ''}`;
  return {
    version,
    onByDefault: defaults.includes('fips140=on') || defaults.includes('fips140=only'),
    integritySum: await readIntegritySum(readAt, elf),
    packages: version === undefined ? [] : packages.filter((path) => path.startsWith(`${prefix}/`) || path === prefix),
  };
}

async function readIntegritySum(readAt: ReadAt, elf: ElfFile): Promise<string | undefined> {
  const section = elf.sections.find(({ name }) => name === FIPS_SECTION);
  if (section === undefined) return undefined;
  const bytes = await readAt(section.offset, FIPS_MAGIC.length + SUM_BYTES);
  const sum = bytes.subarray(FIPS_MAGIC.length);
  const isThere = bytes.subarray(0, FIPS_MAGIC.length).equals(FIPS_MAGIC) && sum.length === SUM_BYTES;
  return isThere && sum.some((byte) => byte !== 0) ? sum.toString('hex') : undefined;
}

/** Says in what a program's cryptography is not what the mode demands; none means that it is. */
export function fipsFaults(facts: FipsFacts, mode: CryptoMode): string[] {
  if (mode === 'none')
    return facts.version === undefined ? [] : [`it is built with GOFIPS140=${facts.version}, which was not asked for`];
  const { version } = FIPS_MODULE;
  return [
    ...(facts.version === version ? [] : [`GOFIPS140 is ${facts.version ?? 'not set'} instead of ${version}`]),
    ...(facts.onByDefault ? [] : ['FIPS mode is not on by default (DefaultGODEBUG)']),
    ...(facts.integritySum === undefined ? ['it has no integrity sum over the FIPS module'] : []),
    ...(facts.packages.length > 0 ? [] : ['no package of the FIPS module is linked in']),
  ];
}
