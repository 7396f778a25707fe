// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto';
import type { ElfFile, GoBuildInfo, ReadAt } from '#formats';
import { BORINGCRYPTO_VERSION } from './certificates.ts';

/** What a program shows of BoringCrypto. */
export type BoringFacts = {
  /** Whether it is built with GOEXPERIMENT=boringcrypto (build settings). */
  readonly experiment: boolean;
  /** The version whose code is in the program, byte for byte; undefined where it is none that is known. */
  readonly version: string | undefined;
  /** The HMAC-SHA256 over that code, in hex, which the program checks each time it starts. */
  readonly integritySum: string | undefined;
  /** How many functions of BoringCrypto Go's packages call. */
  readonly functions: number;
  /** What is linked in, by the marks in crypto/internal/boring/sig: the module, its TLS restrictions, and Go's own cryptography. */
  readonly marks: { readonly boringCrypto: boolean; readonly fipsOnly: boolean; readonly standardCrypto: boolean };
};

/** The code of a BoringCrypto: what it begins with, its length, and the sum that it checks itself against. */
interface KnownCode {
  readonly version: string;
  readonly architecture: string;
  readonly begin: string;
  readonly bytes: number;
  readonly sum: string;
}

/**
 * The module's code in the object files that Go carries (crypto/internal/boring/syso). It holds no address that a linker fills in, so
 * it is the same in every program. The sums are in those files; `integrity of BoringCrypto` in the tests finds them there.
 */
export const KNOWN_CODE: readonly KnownCode[] = [
  {
    version: BORINGCRYPTO_VERSION,
    architecture: 'amd64',
    begin: '41574156534989d64989f74889fbe8c8840b008b40044889df4c89fe4c89f2a9',
    bytes: 753_552,
    sum: '2a218ae635bf1cd56624875de07c6571cde7367369f1d865cb9898158edf8b81',
  },
  {
    version: BORINGCRYPTO_VERSION,
    architecture: 'arm64',
    begin: 'fd7bbda9f50b00f9fd030091f44f02a9f30302aaf40301aaf50300aa83130294',
    bytes: 544_240,
    sum: '9094627e2bd03d962ba1d0c4420a1da9e1ae55caef8ede7b68028d7a4a71f161',
  },
];

const CALL = 'crypto/internal/boring._Cfunc__goboringcrypto_';
const MARK = 'crypto/internal/boring/sig.';
/** The key of the integrity test (BoringSSL, crypto/fipsmodule/bcm.c). */
const KEY = Buffer.alloc(64);
const MAX_TEXT_BYTES = 1 << 30;

/** Takes an open Go program, its ELF headers, build information and functions; gives what it shows of BoringCrypto. */
export async function readBoringFacts(
  readAt: ReadAt,
  elf: ElfFile,
  info: GoBuildInfo,
  functions: readonly string[],
): Promise<BoringFacts> {
  const calls = functions.filter((name) => name.startsWith(CALL)).length;
  const marked = (mark: string) => functions.some((name) => name === MARK + mark || name === `${MARK}${mark}.abi0`);
  const code = calls === 0 ? undefined : await findCode(readAt, elf);
  return {
    experiment: (info.settings.get('GOEXPERIMENT') ?? '').split(',').includes('boringcrypto'),
    version: code?.version,
    integritySum: code?.sum,
    functions: calls,
    marks: {
      boringCrypto: marked('BoringCrypto'),
      fipsOnly: marked('FIPSOnly'),
      standardCrypto: marked('StandardCrypto'),
    },
  };
}

/** Finds the module's code in the program, and sums it up as the module does when it starts. */
async function findCode(readAt: ReadAt, elf: ElfFile): Promise<KnownCode | undefined> {
  const section = elf.sections.find(({ name }) => name === '.text');
  if (section === undefined || section.size > MAX_TEXT_BYTES) return undefined;
  const text = await readAt(section.offset, section.size);
  return KNOWN_CODE.filter(({ architecture }) => architecture === elf.machine).find(({ begin, bytes, sum }) => {
    const start = text.indexOf(Buffer.from(begin, 'hex'));
    if (start === -1) return false;
    const found = createHmac('sha256', KEY)
      .update(text.subarray(start, start + bytes))
      .digest('hex');
    return found === sum;
  });
}

/** Says what a program lacks of BoringCrypto and its TLS restrictions; none means that it has all. */
export function boringFaults(facts: BoringFacts): string[] {
  const { experiment, version, functions, marks } = facts;
  return [
    ...(experiment ? [] : ['it is not built with GOEXPERIMENT=boringcrypto']),
    ...(functions > 0 && marks.boringCrypto ? [] : ['BoringCrypto is not linked in']),
    ...(functions === 0 || version !== undefined
      ? []
      : ['the code of BoringCrypto in it is of no known version, or was changed: its integrity sum does not hold']),
    ...(marks.fipsOnly ? [] : ['TLS is not restricted: crypto/tls/fipsonly is not linked in']),
    ...(marks.standardCrypto ? ["Go's own cryptography is linked in beside it"] : []),
  ];
}
