// SPDX-License-Identifier: Apache-2.0
import { StringDecoder } from 'node:string_decoder';
import { checkIdentity, type IndexedAlpinePackage, wholeNumber, wordsOf } from './apk-info.ts';
import { FormatError } from './error.ts';
import { openGzipMembers } from './gzip-members.ts';
import { readTar } from './tar-read.ts';

/** An index of Alpine packages. */
export interface ApkIndex {
  /** What its maker calls it, as `v20240329-123-g0123abc`; empty where it says nothing. */
  readonly description: string;
  /** When it was made: the newest time of its files, or, where they carry none, of a package. Seconds since 1970. */
  readonly date: number;
  readonly packages: readonly IndexedAlpinePackage[];
}

/** Limits of an index, and the name used in errors. */
export interface ApkIndexOptions {
  readonly where: string;
  /** Unpacked; 256 MiB by default. */
  readonly maxBytes?: number;
  /** 200,000 by default, four times what Alpine's largest has. */
  readonly maxPackages?: number;
}

const CHECKSUM = /^Q1[A-Za-z0-9+/]{27}=$/;
/** Fields that only the list of what is installed has, and apk passes over in an index (apk-tools, APKINDEX format). */
const INSTALLED_ONLY = 'FMRZ';

/**
 * Reads the part of an APKINDEX.tar.gz that is signed: one gzip member with the files DESCRIPTION and APKINDEX, the latter of
 * lines `X:value` with an empty line after each package. Check the signature first. Throws `APK_INVALID`, and what damage throws.
 */
export async function readApkIndex(bytes: AsyncIterable<Uint8Array>, options: ApkIndexOptions): Promise<ApkIndex> {
  const { where, maxBytes = 256 << 20, maxPackages = 200_000 } = options;
  const members = openGzipMembers(bytes, { maxBytes, where });
  let description = '';
  let date = 0;
  let packages: IndexedAlpinePackage[] | undefined;
  try {
    const member = await members.next();
    if (member === undefined) throw new FormatError('APK_INVALID', 'an index is empty', { where });
    for await (const entry of readTar(member, { where, maxBytes, maxEntries: 16 })) {
      if (entry.kind !== 'file') continue;
      date = Math.max(date, entry.mtime.getTime() / 1000);
      if (entry.path === 'DESCRIPTION' && entry.size < 4096) description = (await textOf(entry.body)).trim();
      if (entry.path === 'APKINDEX') packages = await readPackages(entry.body, { where, maxPackages });
    }
    if ((await members.next()) !== undefined) {
      throw new FormatError('APK_INVALID', 'an index has more after its end', { where });
    }
  } finally {
    await members.close();
  }
  if (packages === undefined) throw new FormatError('APK_INVALID', 'an index lacks the file APKINDEX', { where });
  return { description, date: date || newestOf(packages), packages };
}

function newestOf(packages: readonly IndexedAlpinePackage[]): number {
  let newest = 0;
  for (const { builtAt } of packages) newest = Math.max(newest, builtAt);
  return newest;
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function readPackages(
  body: AsyncIterable<Uint8Array>,
  options: { readonly where: string; readonly maxPackages: number },
): Promise<IndexedAlpinePackage[]> {
  const packages: IndexedAlpinePackage[] = [];
  for await (const block of blocksOf(body)) {
    packages.push(parsePackage(block, options.where));
    if (packages.length > options.maxPackages) {
      throw new FormatError('APK_INVALID', `an index lists more than ${options.maxPackages} packages`, options);
    }
  }
  return packages;
}

async function* blocksOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  for await (const chunk of body) {
    text += decoder.write(chunk);
    const end = text.lastIndexOf('\n\n');
    if (end === -1) continue;
    yield* text.slice(0, end).split(/\n\n+/).filter(isFilled);
    text = text.slice(end + 2);
  }
  yield* [text + decoder.end()].filter(isFilled);
}

function isFilled(block: string): boolean {
  return block.trim() !== '';
}

function parsePackage(block: string, where: string): IndexedAlpinePackage {
  const fields: Record<string, string> = {};
  let uninstallable = false;
  for (const line of block.split('\n')) {
    if (line === '') continue;
    const letter = line[0] as string;
    if (line[1] !== ':') throw invalid(`the line ${JSON.stringify(line.slice(0, 80))} has no field`, where);
    if (fields[letter] !== undefined) throw invalid(`a package has two of the field ${letter}`, where);
    fields[letter] = line.slice(2);
    // A capital that apk does not know is something without which the package would not be right.
    uninstallable ||=
      letter >= 'A' && letter <= 'Z' && !'PVTULADCSI'.includes(letter) && !INSTALLED_ONLY.includes(letter);
  }
  const text = (letter: string) => fields[letter] ?? '';
  const one: IndexedAlpinePackage = {
    name: text('P'),
    version: text('V'),
    architecture: text('A'),
    origin: text('o') || text('P'),
    licence: text('L'),
    description: text('T'),
    homepage: text('U'),
    maintainer: text('m'),
    commit: text('c'),
    builtAt: wholeNumber(text('t'), where),
    installedSize: wholeNumber(text('I'), where),
    depends: wordsOf(text('D')),
    provides: wordsOf(text('p')),
    installIf: wordsOf(text('i')),
    providerPriority: wholeNumber(text('k'), where),
    checksum: text('C'),
    size: wholeNumber(text('S'), where),
    uninstallable,
  };
  checkIdentity(one, where);
  if (!CHECKSUM.test(one.checksum)) throw invalid(`the checksum of ${one.name} is none that is known`, where);
  return one;
}

function invalid(what: string, where: string): FormatError {
  return new FormatError('APK_INVALID', `an index is malformed: ${what}`, { where });
}
