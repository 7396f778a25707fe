// SPDX-License-Identifier: Apache-2.0
import type { StepKey } from '#cache';
import { type Digest, Measure } from '#core';
import { compressionOf, decompress, readAr, readTar, type TarEntry } from '#formats';
import { BaseError } from './error.ts';
import { fetchPackage } from './fetch.ts';
import type { DebianOptions, LockedPackage } from './types.ts';

/** One entry of a package's data, as remembered. Times are seconds; a file's bytes are a slice of the package's spool. */
export type UnpackedEntry = Readonly<
  { path: string; mode: number; uid: number; gid: number; mtime: number } & (
    | { kind: 'file'; offset: number; size: number; digest: Digest; content: 'script' | 'elf' | 'data' }
    | { kind: 'directory' }
    | { kind: 'symlink'; target: string }
    | { kind: 'hardlink'; target: string }
  )
>;

/** A .deb taken apart: its control texts, its entries, and one blob with the bytes of all its files, one after another. */
export type UnpackedDeb = Readonly<{
  control: string;
  md5sums: string;
  spool: Digest;
  entries: readonly UnpackedEntry[];
}>;

const MAX_CONTROL = 16 << 20;
const DEFAULT_MAX_UNPACKED = 1 << 30;

/**
 * Takes a package apart by deb(5), once per digest; the result lives in the cache, so that composing again reads no
 * archive. Nothing of the package is run. Throws `BASE_PACKAGE_INVALID` where its members are not as deb(5) says, and
 * the tar, ar and decompression codes of formats for hostile content.
 */
export async function unpackDeb(one: LockedPackage, options: DebianOptions): Promise<UnpackedDeb> {
  const { value } = await options.cache.step<UnpackedDeb>(keyOf(one), spoolOf, async () => {
    await fetchPackage(one, options);
    return unpack(one, options);
  });
  return value;
}

/** Says whether a package lies in the cache taken apart, so that its archive is not needed. */
export async function isUnpacked(one: LockedPackage, options: DebianOptions): Promise<boolean> {
  return (await options.cache.peek<UnpackedDeb>(keyOf(one), spoolOf)) !== undefined;
}

function keyOf(one: LockedPackage): StepKey {
  return { name: 'unpack-deb', inputs: { deb: one.sha256, form: 1 } };
}

function spoolOf(unpacked: UnpackedDeb): readonly Digest[] {
  return [unpacked.spool];
}

async function unpack(one: LockedPackage, options: DebianOptions): Promise<UnpackedDeb> {
  const where = `${one.name}_${one.version}_${one.architecture}.deb`;
  const maxBytes = options.maxUnpackedBytes ?? DEFAULT_MAX_UNPACKED;
  const entries: UnpackedEntry[] = [];
  let control: { control: string; md5sums: string } | undefined;
  let spooled = false;
  const spool = (async function* () {
    let expected = 'debian-binary';
    for await (const member of readAr(options.cache.blobs.read(one.sha256), where)) {
      if (member.name.startsWith('_')) continue; // deb(5): members with an underscore may be ignored
      if (!isMember(member.name, expected))
        throw invalid(`the member ${member.name} stands where ${expected} is due`, where);
      const bytes = () => decompress(member.body, { compression: compressionOf(member.name), maxBytes, where });
      if (expected === 'debian-binary') {
        await checkFormat(member.body, member.size, where);
        expected = 'control.tar';
      } else if (expected === 'control.tar') {
        control = await readControl(bytes(), where);
        expected = 'data.tar';
      } else {
        yield* spoolData(bytes(), entries, { where, maxBytes });
        spooled = true;
        expected = 'nothing more';
      }
    }
  })();
  const { digest } = await options.cache.blobs.put(spool, { maxBytes });
  if (control === undefined || !spooled) throw invalid('a member is missing', where);
  return { ...control, spool: digest, entries };
}

function isMember(name: string, expected: string): boolean {
  return name === expected || (expected.endsWith('.tar') && /^(?:|\.gz|\.xz|\.zst)$/.test(afterPrefix(name, expected)));
}

function afterPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : '?';
}

async function checkFormat(body: AsyncIterable<Uint8Array>, size: number, where: string): Promise<void> {
  if (size > 64) throw invalid('its format version is unreadable', where);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  if (!/^2\.\d+\n/.test(Buffer.concat(chunks).toString('latin1'))) throw invalid('its format version is not 2', where);
}

async function readControl(
  bytes: AsyncIterable<Uint8Array>,
  where: string,
): Promise<{ control: string; md5sums: string }> {
  const texts = new Map<string, string>();
  for await (const entry of readTar(bytes, { where, maxBytes: MAX_CONTROL })) {
    if (entry.kind !== 'file' || (entry.path !== 'control' && entry.path !== 'md5sums')) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.body) chunks.push(chunk);
    texts.set(entry.path, Buffer.concat(chunks).toString('utf8'));
  }
  const control = texts.get('control');
  if (control === undefined) throw invalid('its control file is missing', where);
  return { control, md5sums: texts.get('md5sums') ?? '' };
}

async function* spoolData(
  bytes: AsyncIterable<Uint8Array>,
  entries: UnpackedEntry[],
  options: { readonly where: string; readonly maxBytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  for await (const entry of readTar(bytes, options)) {
    const { path, mode, uid, gid } = entry;
    const common = { path, mode, uid, gid, mtime: entry.mtime.getTime() / 1000 };
    if (entry.kind === 'file') {
      const sum = new Measure();
      let head = Buffer.alloc(0);
      for await (const chunk of entry.body) {
        if (head.length < 4) head = Buffer.concat([head, chunk.subarray(0, 4)]);
        sum.update(chunk);
        yield chunk;
      }
      const content = contentOf(head);
      entries.push({ ...common, kind: 'file', offset, size: sum.size, digest: sum.digest(), content });
      offset += sum.size;
    } else {
      entries.push({ ...common, ...linkOf(entry) });
    }
  }
}

function linkOf(entry: Exclude<TarEntry, { kind: 'file' }>) {
  return entry.kind === 'directory'
    ? { kind: entry.kind }
    : ({ kind: entry.kind, target: entry.target } as { kind: 'symlink'; target: string });
}

function contentOf(head: Buffer): 'script' | 'elf' | 'data' {
  const start = head.toString('latin1', 0, 4);
  return start.startsWith('#!') ? 'script' : start === '\u007fELF' ? 'elf' : 'data';
}

function invalid(what: string, where: string): BaseError {
  return new BaseError('BASE_PACKAGE_INVALID', `a package is not what deb(5) describes: ${what}`, { where });
}
