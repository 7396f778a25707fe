// SPDX-License-Identifier: Apache-2.0
import { CERTIFICATES_AS_OF } from '#build';
import type { ExaminedProgram, ImageFips, PlatformFips } from '#factory';

/** What is printed of a program, wherever it lies. */
type Program = Omit<ExaminedProgram, 'digest'>;

const MODES = {
  none: 'none',
  fips140: 'Go Cryptographic Module (GOFIPS140)',
  boring: 'BoringCrypto (GOEXPERIMENT=boringcrypto)',
} as const;

/** Gives the report on an image as text. */
export function describeImageFips({ image, digest, platforms, verdict }: ImageFips): string {
  return `${image}\n  digest      ${digest}\n\n${platforms.map(describePlatform).join('\n')}\n${image}: ${verdict}\n`;
}

function describePlatform(one: PlatformFips): string {
  const { attested, claims, others, programs } = one;
  const unreadable = others.filter(({ kind }) => kind === 'unreadable');
  return [
    `${one.platform}: ${one.verdict}`,
    ...one.reasons.map((reason) => `  ! ${reason}`),
    ...one.warnings.map((warning) => `  note: ${warning}`),
    ...programs.map(describeProgram),
    ...(others.length === unreadable.length
      ? []
      : [`  ${others.length - unreadable.length} other programs and libraries, not of Go: not looked into`]),
    ...claims.map(({ where, name, value }) => `  ${where} ${name}=${value} says FIPS, which proves nothing`),
    attested.there
      ? `  attached report: ${attested.differences.length === 0 ? 'says the same' : 'DIFFERS'} (its signature is not checked here)`
      : '  attached report: none',
    '',
  ].join('\n');
}

/** Gives what the bytes of a program say, as text. */
export function describeProgram(one: Program): string {
  const { certificate, fips, boring, mode, outside, selfTest } = one;
  const version = mode === 'boring' ? boring.version : fips.version;
  const sum = mode === 'boring' ? boring.integritySum : fips.integritySum;
  const rows: readonly (readonly [name: string, value: string | undefined])[] = [
    ['program', `${one.module.replace('@(devel)', '')}, ${one.toolchain}, ${one.platform}`],
    ['crypto', MODES[mode]],
    ['version', mode === 'none' ? undefined : (version ?? 'unknown')],
    [
      'certificate',
      certificate &&
        `${certificate.program} ${certificate.number}, ${certificate.standard} level ${certificate.level}, ${certificate.status}, until ${certificate.sunset} (as of ${CERTIFICATES_AS_OF}; https://csrc.nist.gov has the word)`,
    ],
    ['on', mode === 'fips140' ? (fips.onByDefault ? 'by default' : 'only where GODEBUG says so') : undefined],
    [
      'TLS',
      mode === 'boring' ? (boring.marks.fipsOnly ? 'restricted (crypto/tls/fipsonly)' : 'not restricted') : undefined,
    ],
    ['integrity', mode === 'none' ? undefined : (sum ?? 'no sum')],
    [
      'linked in',
      mode === 'none'
        ? undefined
        : mode === 'boring'
          ? `${boring.functions} functions of the module`
          : `${fips.packages.length} packages of the module`,
    ],
    [
      'self-test',
      mode === 'none'
        ? undefined
        : selfTest.verdict === 'not run'
          ? `not run: ${selfTest.reason}`
          : `${selfTest.verdict}: ${selfTest.said}`,
    ],
    ...outsideRows(outside),
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : [`    ${name.padEnd(12)}${value}`]));
  return [`  ${one.path}`, ...lines].join('\n');
}

/** One row for each kind of cryptography, with the packages that do it. */
function outsideRows(outside: Program['outside']): readonly (readonly [name: string, value: string])[] {
  const kinds = [...new Set(outside.map(({ what }) => what))].sort();
  if (kinds.length === 0) return [['outside', 'nothing that is known']];
  return kinds.map((kind, index) => {
    const [first = '', ...more] = outside.flatMap(({ what, package: path }) => (what === kind ? [path] : []));
    return [index === 0 ? 'outside' : '', `${kind}: ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`];
  });
}
