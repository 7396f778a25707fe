// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Cache, StepKey } from '#cache';
import { type Digest, Measure } from '#core';
import { type ApkEntry, type ApkInfo, fixedBlocks, type OpenApk } from '#formats';
import type { LockedApk } from '../types.ts';

/** One entry of a package's files, as remembered. `mtime` is in seconds; a file's bytes are a slice of the package's spool. */
export type ApkUnpackedEntry = Readonly<
  { path: string; mode: number; uid: number; gid: number; mtime: number } & (
    | { kind: 'file'; offset: number; size: number; digest: Digest; sha1: string }
    | { kind: 'directory' }
    | { kind: 'symlink'; target: string; sha1: string }
    | { kind: 'hardlink'; target: string }
  )
>;

/** An .apk taken apart: what it says of itself, its entries, and one blob with the bytes of all its files, one after another. */
export type UnpackedApk = Readonly<{
  info: Readonly<{ [K in Exclude<keyof ApkInfo, 'dataHash'>]: ApkInfo[K] }>;
  /** By kind (`post-install`), in the package's order. Never run. */
  scripts: readonly (readonly [string, string])[];
  /** Files with extended attributes, such as capabilities, which a layer of ours does not carry. */
  withAttributes: readonly string[];
  spool: Digest;
  entries: readonly ApkUnpackedEntry[];
}>;

/** What of Alpine is needed: opening a locked package, checked against the lock. */
export interface ApkSource {
  readonly cache: Cache;
  open(one: LockedApk): Promise<OpenApk>;
}

const MAX_UNPACKED = 1 << 30;
/** What is written at once: most files are smaller, and a write of its own costs each more than its bytes. */
const SPOOL_BLOCK = 256 << 10;
const ATTRIBUTES = 'SCHILY.xattr.';

/**
 * Takes a package apart, once per digest; the result lives in the cache, so that composing again reads no archive. Nothing of the
 * package is run. Throws what opening throws, and #formats' codes for hostile content.
 */
export async function unpackApk(one: LockedApk, source: ApkSource): Promise<UnpackedApk> {
  const key: StepKey = { name: 'unpack-apk', inputs: { apk: one.sha256, form: 1 } };
  const { value } = await source.cache.step<UnpackedApk>(
    key,
    (unpacked) => [unpacked.spool],
    () => unpack(one, source),
  );
  return value;
}

async function unpack(one: LockedApk, source: ApkSource): Promise<UnpackedApk> {
  const apk = await source.open(one);
  try {
    const entries: ApkUnpackedEntry[] = [];
    const withAttributes: string[] = [];
    const block = Buffer.allocUnsafeSlow(SPOOL_BLOCK); // one for all: the cache has written it when it asks for the next
    const bytes = fixedBlocks(spoolFiles(apk, entries, withAttributes), SPOOL_BLOCK, () => block);
    const spool = await source.cache.blobs.put(bytes, { maxBytes: MAX_UNPACKED });
    const { dataHash: _, ...info } = apk.info; // it has been checked
    return { info, scripts: [...apk.scripts], withAttributes, spool: spool.digest, entries };
  } finally {
    await apk.close();
  }
}

/** Files at the top whose names begin with a dot are no content, as apk has it; `.keep_` files stand for empty folders. */
function isContent(path: string): boolean {
  return path !== '' && !path.startsWith('.') && !/(?:^|\/)\.keep_[^/]*$/.test(path);
}

async function* spoolFiles(
  apk: OpenApk,
  entries: ApkUnpackedEntry[],
  withAttributes: string[],
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  for await (const entry of apk.entries()) {
    if (!isContent(entry.path)) continue;
    if (Object.keys(entry.pax ?? {}).some((name) => name.startsWith(ATTRIBUTES))) withAttributes.push(entry.path);
    const { path, mode, uid, gid } = entry;
    const common = { path, mode, uid, gid, mtime: entry.mtime.getTime() / 1000 };
    if (entry.kind !== 'file') {
      entries.push({ ...common, ...plainOf(entry) });
      continue;
    }
    const sum = new Measure();
    const untold = createHash('sha1');
    for await (const chunk of entry.body) {
      sum.update(chunk);
      if (entry.sha1 === undefined) untold.update(chunk); // what the package tells is checked as the body is read
      yield chunk;
    }
    const sha1 = entry.sha1 ?? untold.digest('hex');
    entries.push({ ...common, kind: 'file', offset, size: sum.size, digest: sum.digest(), sha1 });
    offset += sum.size;
  }
}

function plainOf(entry: Exclude<ApkEntry, { kind: 'file' }>) {
  if (entry.kind === 'directory') return { kind: entry.kind } as const;
  if (entry.kind === 'hardlink') return { kind: entry.kind, target: entry.target } as const;
  const sha1 = createHash('sha1').update(entry.target).digest('hex');
  return { kind: entry.kind, target: entry.target, sha1 } as const;
}
