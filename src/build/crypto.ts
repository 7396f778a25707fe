// SPDX-License-Identifier: Apache-2.0
import type { ElfFile, GoBuildInfo, ReadAt } from '#formats';
import { type BoringFacts, boringFaults } from './boring.ts';
import {
  BORINGCRYPTO_VERSION,
  type Certificate,
  findCertified,
  GO_CRYPTOGRAPHIC_MODULE,
  type CertifiedVersion,
} from './certificates.ts';

/**
 * How a program's cryptography is built: as Go does by itself, with the frozen Go Cryptographic Module in FIPS 140-3 mode, or with
 * BoringCrypto.
 */
export type CryptoMode = 'none' | 'fips140' | 'boring';

/** The modes that a FIPS report is made of. */
export type FipsMode = Exclude<CryptoMode, 'none'>;

/** The name of Go's experiment that links BoringCrypto in. */
const BORING_EXPERIMENT = 'boringcrypto';

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
  readonly certificate: Certificate;
};

/**
 * The Go Cryptographic Module that `fips140` builds with (https://go.dev/doc/security/fips140). Its zip never changes: Go's own
 * lib/fips140/fips140.sum holds the same SHA-256.
 */
export const FIPS_MODULE: FipsModule = {
  ...GO_CRYPTOGRAPHIC_MODULE,
  zipHash: 'h1:YapsF69QWGwygaBqdI0rp7IfE5a6tAwepNAHONVcWqQ=',
  zipSha256: 'daf3614e0406f67ae6323c902db3f953a1effb199142362a039e7526dfb9368b',
  setting: 'v1.0.0',
  certificate: certificateOf('Go Cryptographic Module', GO_CRYPTOGRAPHIC_MODULE.version),
};

/** BoringCrypto as Go's toolchains carry it: an object file in the standard library, not a module with a zip of its own. */
export type BoringModule = {
  /** The package that holds the object file. */
  readonly path: string;
  readonly version: string;
  readonly certificate: Certificate;
};

/** The BoringCrypto that `boring` builds with. */
export const BORING_MODULE: BoringModule = {
  path: 'crypto/internal/boring',
  version: BORINGCRYPTO_VERSION,
  certificate: certificateOf('BoringCrypto', BORINGCRYPTO_VERSION),
};

function certificateOf(module: CertifiedVersion['module'], version: string): Certificate {
  const certificate = findCertified(module, version)?.certificate;
  if (certificate === undefined) throw new TypeError(`${module} ${version} has no certificate`);
  return certificate;
}

/** Gives what is known of the module that a mode builds with. */
export function certifiedBy(mode: FipsMode): CertifiedVersion | undefined {
  if (mode === 'boring') return findCertified('BoringCrypto', BORINGCRYPTO_VERSION);
  return findCertified('Go Cryptographic Module', GO_CRYPTOGRAPHIC_MODULE.version);
}

/** Gives the environment of the go command that a crypto mode adds. */
export function cryptoEnv(mode: CryptoMode): Readonly<Record<string, string>> {
  return mode === 'fips140' ? { GOFIPS140: FIPS_MODULE.setting } : {};
}

/** Gives the Go experiments that a program is compiled with: those asked for, and the one that its crypto mode needs. */
export function experimentsOf(mode: CryptoMode, experiments: readonly string[]): readonly string[] {
  return mode === 'boring' ? [BORING_EXPERIMENT, ...experiments] : experiments;
}

/** What a program shows of the module that was linked into it; undefined members are not there. */
export type FipsFacts = {
  /** The module's version, as the linker recorded it (build setting GOFIPS140). */
  readonly version: string | undefined;
  /** Whether FIPS mode is on unless GODEBUG says otherwise (build setting DefaultGODEBUG). */
  readonly onByDefault: boolean;
  /** The HMAC-SHA256 over the module's code and data, in hex, which the program checks each time it starts. */
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

/** What of a program its crypto mode shows in. */
export interface CryptoFacts {
  readonly fips: FipsFacts;
  readonly boring: BoringFacts;
}

/** Says in what a program's cryptography is not what the mode demands; none means that it is. */
export function cryptoFaults({ fips, boring }: CryptoFacts, mode: CryptoMode): string[] {
  const { version } = FIPS_MODULE;
  if (mode === 'boring')
    return [...(fips.version === undefined ? [] : [unasked(fips.version)]), ...boringFaults(boring)];
  const unwanted = boring.experiment ? ['it is built with BoringCrypto, which was not asked for'] : [];
  if (mode === 'none') return [...(fips.version === undefined ? [] : [unasked(fips.version)]), ...unwanted];
  const other = fips.version === version ? [] : [`GOFIPS140 is ${fips.version ?? 'not set'} instead of ${version}`];
  return [...other, ...moduleFaults(fips), ...unwanted];
}

function unasked(version: string): string {
  return `it is built with GOFIPS140=${version}, which was not asked for`;
}

/** Says what a program built with some version of the Go Cryptographic Module lacks of it. */
export function moduleFaults(facts: FipsFacts): string[] {
  return [
    ...(facts.onByDefault ? [] : ['FIPS mode is not on by default (DefaultGODEBUG)']),
    ...(facts.integritySum === undefined ? ['it has no integrity sum over the FIPS module'] : []),
    ...(facts.packages.length > 0 ? [] : ['no package of the FIPS module is linked in']),
  ];
}
