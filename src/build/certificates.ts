// SPDX-License-Identifier: Apache-2.0
import { FIPS_MODULE_PATH } from '#formats';

/** A certificate of the Cryptographic Module Validation Program, with the dates that it is told to have. */
export type Certificate = {
  readonly program: 'CMVP';
  readonly standard: 'FIPS 140-2' | 'FIPS 140-3';
  readonly number: number;
  readonly level: number;
  /** The last day on the active list; from the next on it is historical. */
  readonly sunset: string;
};

/** A version of a cryptographic module, and its certificate where it has one. */
export type CertifiedVersion = {
  readonly module: 'Go Cryptographic Module' | 'BoringCrypto';
  /** As the program names it: `v1.0.0-c2097c7c`, `fips-20220613`. */
  readonly version: string;
  readonly certificate: Certificate | undefined;
  /** What must be known of it beside that. */
  readonly note?: string;
};

/** The day on which this table was last compared with what is published; https://csrc.nist.gov has the word. */
export const CERTIFICATES_AS_OF = '2026-11-24';

/** The last day of all FIPS 140-2 certificates that were left (CMVP, FIPS 140-3 transition). */
const LAST_DAY_OF_140_2 = '2026-09-21';

const fips140 = (number: number, sunset: string): Certificate => ({
  program: 'CMVP',
  standard: 'FIPS 140-3',
  number,
  level: 1,
  sunset,
});
const fips1402 = (number: number): Certificate => ({
  program: 'CMVP',
  standard: 'FIPS 140-2',
  number,
  level: 1,
  sunset: LAST_DAY_OF_140_2,
});

/** The module whose zip every Go toolchain since 1.24 carries (https://go.dev/doc/security/fips140). */
export const GO_CRYPTOGRAPHIC_MODULE = { path: FIPS_MODULE_PATH, version: 'v1.0.0-c2097c7c' } as const;

/** The tag of BoringSSL that BoringCrypto in Go 1.24 and later is built from (crypto/internal/boring/LICENSE). */
export const BORINGCRYPTO_VERSION = 'fips-20220613';

/** The versions that are known, newest of a module first. */
export const CERTIFIED_VERSIONS: readonly CertifiedVersion[] = [
  {
    module: 'Go Cryptographic Module',
    version: 'v1.26.0',
    certificate: undefined,
    note: 'it is in review by the CMVP and has no certificate yet',
  },
  {
    module: 'Go Cryptographic Module',
    version: GO_CRYPTOGRAPHIC_MODULE.version,
    certificate: fips140(5247, '2031-04-26'),
  },
  {
    module: 'BoringCrypto',
    version: BORINGCRYPTO_VERSION,
    certificate: fips140(4735, '2029-07-22'),
    note: `its certificate is of Google's own build: Go's makers support no use outside Google and claim nothing of it. The FIPS 140-2 certificates of BoringCrypto (2964, 3318, 3678, 4407) are of earlier versions, and historical since ${LAST_DAY_OF_140_2}`,
  },
  { module: 'BoringCrypto', version: 'fips-20210429', certificate: fips1402(4407) },
  { module: 'BoringCrypto', version: 'fips-20190808', certificate: fips1402(3678) },
  { module: 'BoringCrypto', version: 'fips-20180730', certificate: fips1402(3318) },
  { module: 'BoringCrypto', version: 'fips-20170615', certificate: fips1402(2964) },
];

/** Gives what is known of a module's version; a version of Go's module may be named without the hash of its zip (`v1.0.0`). */
export function findCertified(module: CertifiedVersion['module'], version: string): CertifiedVersion | undefined {
  return CERTIFIED_VERSIONS.find(
    (one) => one.module === module && (one.version === version || version.startsWith(`${one.version}-`)),
  );
}

/** Where a certificate stands on a day. `days` are those left on the active list, negative once it is historical. */
export type CertificateState = {
  readonly status: 'active' | 'historical';
  readonly days: number;
  /** `year` within a year of the end, `quarter` within 90 days. */
  readonly nears: 'year' | 'quarter' | undefined;
};

const DAY = 86_400_000;

/** Takes a certificate and the time it is; gives its state. */
export function certificateState({ sunset }: Certificate, now: Date): CertificateState {
  const days = Math.floor((Date.parse(`${sunset}T23:59:59Z`) - now.getTime()) / DAY);
  if (now.getTime() > Date.parse(`${sunset}T23:59:59Z`)) return { status: 'historical', days, nears: undefined };
  return { status: 'active', days, nears: days < 90 ? 'quarter' : days < 365 ? 'year' : undefined };
}

/** Gives what must be said of a certificate today; undefined where it is active for a year at least. */
export function certificateWarning(certificate: Certificate, now: Date): string | undefined {
  const { status, days, nears } = certificateState(certificate, now);
  const name = `${certificate.program} certificate ${certificate.number} (${certificate.standard})`;
  if (status === 'historical')
    return `${name} is on the historical list since ${certificate.sunset}: not for new procurement, else at your own risk decision`;
  if (nears === undefined) return undefined;
  const left = nears === 'quarter' ? `in ${days} days` : 'within a year';
  return `${name} leaves the active list ${left}, on ${certificate.sunset}: plan the move to a newer module`;
}
