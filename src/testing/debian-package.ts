// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { type Header, pack as createPack } from 'tar-stream';

/** One entry of a package's data archive; `path` is written as it stands, so that it may be hostile. */
export interface DebEntry {
  readonly path: string;
  readonly content?: string | Buffer;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device' | 'block-device' | 'fifo';
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly target?: string;
  readonly pax?: Readonly<Record<string, string>>;
}

/** A package to build. What is left out is sound; `members` changes the finished archive's members before they are joined. */
export interface DebSpec {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly entries?: readonly DebEntry[];
  /** More control fields, or others in place of the usual ones. */
  readonly fields?: Readonly<Record<string, string>>;
  /** More files of the control archive, such as scripts. */
  readonly control?: Readonly<Record<string, string>>;
  readonly compression?: 'none' | 'gz' | 'xz' | 'zst';
  readonly mtime?: Date;
  readonly members?: (members: readonly DebMember[]) => readonly DebMember[];
}

/** One member of the ar archive; `size` lies in its header where given. */
export interface DebMember {
  readonly name: string;
  readonly bytes: Buffer;
  readonly size?: number;
}

/** A built package and the control fields that an index repeats. */
export interface BuiltDeb {
  readonly bytes: Buffer;
  readonly fields: Readonly<Record<string, string>>;
}

const COMPRESS: Readonly<Record<NonNullable<DebSpec['compression']>, (bytes: Buffer) => Buffer>> = {
  none: (bytes) => bytes,
  gz: (bytes) => gzipSync(bytes),
  xz: (bytes) => Buffer.from(xz.compressSync(bytes)),
  zst: (bytes) => zstdCompressSync(bytes),
};

/** Builds a .deb by deb(5). */
export async function buildDeb(spec: DebSpec): Promise<BuiltDeb> {
  const fields = {
    Package: spec.name,
    Version: spec.version,
    Architecture: spec.architecture ?? 'all',
    Maintainer: 'Test <test@example.com>',
    Description: `package ${spec.name}`,
    ...spec.fields,
  };
  const mtime = spec.mtime ?? new Date('2026-01-02T03:04:05Z');
  const compression = spec.compression ?? 'xz';
  const ending = compression === 'none' ? '' : `.${compression}`;
  const entries = spec.entries ?? [];
  const md5sums = entries
    .filter((entry) => (entry.type ?? 'file') === 'file')
    .map(
      (entry) =>
        `${createHash('md5')
          .update(entry.content ?? '')
          .digest('hex')}  ${entry.path.replace(/^\.\//, '')}\n`,
    );
  const texts = { control: formatFields(fields), md5sums: md5sums.join(''), ...spec.control };
  const control = Object.entries(texts).map(([path, content]) => ({ path: `./${path}`, content }));
  const members: readonly DebMember[] = [
    { name: 'debian-binary', bytes: Buffer.from('2.0\n') },
    { name: `control.tar${ending}`, bytes: COMPRESS[compression](await writeTar(control, mtime)) },
    { name: `data.tar${ending}`, bytes: COMPRESS[compression](await writeTar(entries, mtime)) },
  ];
  return { bytes: writeAr(spec.members?.(members) ?? members), fields };
}

/** Writes fields as one stanza. */
export function formatFields(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

async function writeTar(entries: readonly DebEntry[], mtime: Date): Promise<Buffer> {
  const archive = createPack();
  for (const entry of entries) {
    const type = entry.type ?? 'file';
    const header: Partial<Header> & { name: string } = {
      name: entry.path,
      type,
      mode: entry.mode ?? (type === 'directory' ? 0o755 : type === 'symlink' ? 0o777 : 0o644),
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
      mtime,
      ...(entry.target === undefined ? {} : { linkname: entry.target }),
      ...(entry.pax === undefined ? {} : { pax: entry.pax }),
    };
    archive.entry(header, entry.content ?? '');
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

function writeAr(members: readonly DebMember[]): Buffer {
  const parts = members.flatMap(({ name, bytes, size = bytes.length }) => {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(size).padEnd(10)}\`\n`;
    return [Buffer.from(header), bytes, Buffer.from(bytes.length % 2 === 1 ? '\n' : '')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}
