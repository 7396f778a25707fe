// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { oneChunk } from '#core';
import { type ApkInfo, parseApkInfo } from './apk-info.ts';
import { type ApkSignature, readApkSignatures, withTarEnd } from './apk-signature.ts';
import { FormatError } from './error.ts';
import { type GzipMembers, openGzipMembers } from './gzip-members.ts';
import { readTar, type TarEntry } from './tar-read.ts';

/** A package of Alpine's format v2 (apk-package(5)), open for reading: what stands before its files has been read. */
export interface OpenApk {
  /** Over {@link control}; none where the package is unsigned. Nobody has judged them yet. */
  readonly signatures: readonly ApkSignature[];
  /** The control part as it lies in the file, compressed. */
  readonly control: Buffer;
  /** `Q1` and the base64 of SHA-1 of the control part: the name by which indexes know the package. */
  readonly checksum: string;
  readonly info: ApkInfo;
  /** The package's scripts and trigger by their kind (`post-install`), as text. They are never run. */
  readonly scripts: ReadonlyMap<string, string>;
  /**
   * Gives its files in their order, to be read once. Each is held against its own checksum at its end, all against the data hash
   * at the end of the last: until then nothing is proved. Throws `APK_DIFFERS`, and what damage throws.
   */
  entries(): AsyncGenerator<ApkEntry, void, undefined>;
  /** Ends reading, at whatever point. */
  close(): Promise<void>;
}

/** An entry of a package's data; `sha1` (hex) is that of a file's bytes or a link's target, where the package tells it. */
export type ApkEntry = TarEntry & { readonly sha1?: string };

/** Limits of a package, and the name used in errors. */
export interface ApkOptions {
  readonly where: string;
  /** Unpacked, files and all; 1 GiB by default. */
  readonly maxBytes?: number;
}

const MAX_CONTROL = 16 << 20;
const SCRIPT = /^\.((?:pre|post)-(?:install|upgrade|deinstall)|trigger)$/;
const CHECKSUM = 'APK-TOOLS.checksum.SHA1';

/**
 * Opens an .apk: three gzip members, the first with signatures (it may be lacking), the second with .PKGINFO and scripts, the third
 * with the files. Memory is bounded by the control part, 16 MiB at most. Throws `APK_INVALID`, and what damage throws.
 */
export async function openApk(bytes: AsyncIterable<Uint8Array>, options: ApkOptions): Promise<OpenApk> {
  const { where, maxBytes = 1 << 30 } = options;
  const members = openGzipMembers(bytes, { maxBytes, where });
  try {
    const first = await readPart(members, where);
    const signatures = await readApkSignatures(oneChunk(first.plain), where);
    const { raw, plain } = signatures === undefined ? first : await readPart(members, where);
    const texts = await readControl(plain, where);
    const info = parseApkInfo(texts.get('.PKGINFO') ?? '', `${where}: .PKGINFO`);
    return {
      signatures: signatures ?? [],
      control: raw,
      checksum: `Q1${createHash('sha1').update(raw).digest('base64')}`,
      info,
      scripts: scriptsOf(texts),
      entries: () => readData(members, info, { where, maxBytes }),
      close: () => members.close(),
    };
  } catch (error) {
    await members.close();
    throw error;
  }
}

/** Reads a small member whole, as it lies in the file and as it is inside. */
async function readPart(members: GzipMembers, where: string): Promise<{ raw: Buffer; plain: Buffer }> {
  const raw: Buffer[] = [];
  const plain: Uint8Array[] = [];
  let size = 0;
  const count = (chunk: Uint8Array) => {
    size += chunk.byteLength;
    if (size > MAX_CONTROL)
      throw new FormatError('APK_INVALID', 'the control part of a package is too large', { where });
  };
  const member = await members.next((chunk) => {
    count(chunk);
    raw.push(Buffer.from(chunk));
  });
  if (member === undefined) throw new FormatError('APK_INVALID', 'a package ends before its control part', { where });
  for await (const chunk of member) {
    count(chunk);
    plain.push(chunk);
  }
  return { raw: Buffer.concat(raw), plain: Buffer.concat(plain) };
}

async function readControl(plain: Buffer, where: string): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for await (const entry of readTar(withTarEnd(oneChunk(plain)), { where, maxBytes: MAX_CONTROL, maxEntries: 64 })) {
    if (entry.kind !== 'file') continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.body) chunks.push(chunk);
    texts.set(entry.path, Buffer.concat(chunks).toString('utf8'));
  }
  if (texts.has('.PKGINFO')) return texts;
  throw new FormatError('APK_INVALID', 'a package has no .PKGINFO', { where });
}

function scriptsOf(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const scripts = [...texts].flatMap(([path, text]) => {
    const kind = SCRIPT.exec(path)?.[1];
    return kind === undefined ? [] : [[kind, text] as const];
  });
  return new Map(scripts);
}

async function* readData(
  members: GzipMembers,
  info: ApkInfo,
  options: { readonly where: string; readonly maxBytes: number },
): AsyncGenerator<ApkEntry, void, undefined> {
  const sum = createHash('sha256');
  const member = await members.next((chunk) => sum.update(chunk));
  if (member === undefined && info.dataHash === undefined) return; // a package that only depends on others may have no files
  for await (const entry of member === undefined ? [] : readTar(member, options))
    yield withChecksum(entry, options.where);
  if (sum.digest('hex') !== info.dataHash)
    throw differs('its files are not those that its .PKGINFO vouches for', options);
  if ((await members.next()) !== undefined) {
    throw new FormatError('APK_INVALID', 'a package has more after its end', { where: options.where });
  }
}

function withChecksum(entry: TarEntry, where: string): ApkEntry {
  const sha1 = entry.pax?.[CHECKSUM];
  if (sha1 === undefined) return entry;
  const wrong = () => differs(`/${entry.path} is not what its checksum says`, { where });
  if (entry.kind === 'symlink' && createHash('sha1').update(entry.target).digest('hex') !== sha1) throw wrong();
  if (entry.kind !== 'file') return { ...entry, sha1 };
  const { body } = entry;
  return {
    ...entry,
    sha1,
    body: (async function* () {
      const sum = createHash('sha1');
      for await (const chunk of body) {
        sum.update(chunk);
        yield chunk;
      }
      if (sum.digest('hex') !== sha1) throw wrong();
    })(),
  };
}

function differs(what: string, { where }: { readonly where: string }): FormatError {
  return new FormatError('APK_DIFFERS', `a package is not whole: ${what}`, {
    where,
    hint: 'Fetch the package anew, from another mirror if it stays so.',
  });
}
