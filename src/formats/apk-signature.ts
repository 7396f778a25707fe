// SPDX-License-Identifier: Apache-2.0
import { oneChunk } from '#core';
import { FormatError } from './error.ts';
import { openGzipMembers } from './gzip-members.ts';
import { readTar } from './tar-read.ts';

/** One signature of an Alpine index or package (apk-package(5)): RSA, PKCS #1 v1.5, over the bytes of the gzip member that follows. */
export interface ApkSignature {
  readonly digest: 'sha1' | 'sha256' | 'sha512';
  /** The file name of the key under /etc/apk/keys, as the signer claims; never used as a path here. */
  readonly key: string;
  readonly signature: Buffer;
}

const DIGESTS: Readonly<Record<string, ApkSignature['digest']>> = { RSA: 'sha1', RSA256: 'sha256', RSA512: 'sha512' };
const NAME = /^\.SIGN\.(RSA|RSA256|RSA512)\.([A-Za-z0-9@][A-Za-z0-9@._+-]{0,200})$/;
const MAX_SIGNATURES = 32;
/** Room for the header, content and padding of that many signatures. */
const MAX_BYTES = 64 << 10;

/** The gzip members of an apk file have no end mark of tar but in the last, so that together they are one archive. */
export async function* withTarEnd(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* bytes;
  yield Buffer.alloc(1024);
}

/**
 * Takes the plain bytes of an apk file's first gzip member; gives its signatures in their order, or undefined where the member
 * holds something else, as that of an unsigned file. Kinds of signature that are not RSA are left out. Throws `APK_INVALID`.
 */
export async function readApkSignatures(
  member: AsyncIterable<Uint8Array>,
  where: string,
): Promise<readonly ApkSignature[] | undefined> {
  const signatures: ApkSignature[] = [];
  let entries = 0;
  for await (const entry of readTar(withTarEnd(member), { where, maxEntries: MAX_SIGNATURES, maxBytes: MAX_BYTES })) {
    if (!entry.path.startsWith('.SIGN.')) {
      if (entries === 0) return undefined;
      throw new FormatError('APK_INVALID', 'something lies among the signatures', { where });
    }
    entries += 1;
    const [, kind, key] = NAME.exec(entry.path) ?? [];
    const digest = DIGESTS[kind ?? ''];
    if (entry.kind !== 'file' || digest === undefined || key === undefined) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.body) chunks.push(chunk);
    signatures.push({ digest, key, signature: Buffer.concat(chunks) });
  }
  return signatures;
}

/**
 * Takes a signed file that lies in memory (an APKINDEX.tar.gz); gives its signatures and the bytes that they are over, which are
 * still compressed. An unsigned file has no signatures, and is all of those bytes. Throws `APK_INVALID`, and what damage throws.
 */
export async function splitApkSignatures(
  bytes: Uint8Array,
  where: string,
): Promise<{ readonly signatures: readonly ApkSignature[]; readonly signed: Uint8Array }> {
  const members = openGzipMembers(oneChunk(bytes), { maxBytes: MAX_BYTES, where });
  let length = 0;
  try {
    const member = await members.next((raw) => {
      length += raw.byteLength;
    });
    const signatures = member === undefined ? undefined : await readUntilContent(member, where);
    return signatures === undefined
      ? { signatures: [], signed: bytes }
      : { signatures, signed: bytes.subarray(length) };
  } finally {
    await members.close();
  }
}

/** A first member that is larger than signatures ever are holds something else. */
async function readUntilContent(
  member: AsyncIterable<Uint8Array>,
  where: string,
): Promise<readonly ApkSignature[] | undefined> {
  try {
    return await readApkSignatures(member, where);
  } catch (error) {
    if (error instanceof FormatError && error.code.endsWith('_TOO_LARGE')) return undefined;
    throw error;
  }
}
