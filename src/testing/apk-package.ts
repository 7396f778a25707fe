// SPDX-License-Identifier: Apache-2.0
import { createHash, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

/** An entry of a package's files, as abuild would write it, or as an attacker. */
export interface ApkFile {
  readonly path: string;
  readonly kind?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device';
  readonly content?: string | Uint8Array;
  /** Where a link points. */
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
  /** Further records of its PAX header. */
  readonly pax?: Readonly<Record<string, string>>;
}

/** What a package is made of. */
export interface ApkSpec {
  readonly name: string;
  readonly version: string;
  /** `x86_64` by default. */
  readonly architecture?: string;
  /** More lines of .PKGINFO, by key; of a list, one line each. */
  readonly info?: Readonly<Record<string, string | readonly string[]>>;
  /** By kind: `post-install`, `trigger` ... */
  readonly scripts?: Readonly<Record<string, string>>;
  readonly files?: readonly ApkFile[];
  /** In place of the hash of its files. */
  readonly dataHash?: string;
}

/** Who signs: a private key in PEM and the name of its public half in /etc/apk/keys. */
export interface ApkSigner {
  readonly name: string;
  readonly privateKey: string;
  /** `RSA` (SHA-1) by default, as Alpine's builders have it. */
  readonly kind?: 'RSA' | 'RSA256';
}

/** A package as a file, and what an index says of it. */
export interface BuiltApk {
  readonly bytes: Buffer;
  /** `Q1` and the base64 of the SHA-1 of its control part. */
  readonly checksum: string;
  readonly info: Readonly<Record<string, readonly string[]>>;
}

const MTIME = 1_750_000_000;

/** Builds a package of apk's format v2: three gzip members, the files with their checksums in PAX headers. */
export async function buildApk(spec: ApkSpec, signer?: ApkSigner): Promise<BuiltApk> {
  const { files = [], scripts = {} } = spec;
  const data = gzipSync(await archive(files.map(toEntry)), { level: 6 });
  const info = infoOf(spec, createHash('sha256').update(data).digest('hex'));
  const text = Object.entries(info).flatMap(([key, values]) => values.map((value) => `${key} = ${value}\n`));
  const control = member(
    await archive([
      toEntry({ path: '.PKGINFO', content: text.join('') }),
      ...Object.entries(scripts).map(([kind, content]) => toEntry({ path: `.${kind}`, content, mode: 0o755 })),
    ]),
  );
  const checksum = `Q1${createHash('sha1').update(control).digest('base64')}`;
  return { bytes: Buffer.concat([...(await signatureOf(control, signer)), control, data]), checksum, info };
}

/** Puts a signature before a control part or an index, as its first gzip member. */
export async function signatureOf(signed: Buffer, signer: ApkSigner | undefined): Promise<readonly Buffer[]> {
  if (signer === undefined) return [];
  const { name, privateKey, kind = 'RSA' } = signer;
  const content = sign(kind === 'RSA' ? 'RSA-SHA1' : 'RSA-SHA256', signed, privateKey);
  return [member(await archive([toEntry({ path: `.SIGN.${kind}.${name}`, content })]))];
}

/** Members before the last have no end mark of tar. */
function member(tar: Buffer): Buffer {
  return gzipSync(tar.subarray(0, tar.length - 1024));
}

function infoOf(spec: ApkSpec, dataHash: string): Record<string, readonly string[]> {
  const own = Object.entries(spec.info ?? {}).map(([key, value]) => [key, [value].flat()] as const);
  return {
    pkgname: [spec.name],
    pkgver: [spec.version],
    pkgdesc: [`The package ${spec.name}`],
    url: [`https://example.org/${spec.name}`],
    builddate: [String(MTIME)],
    size: ['4096'],
    arch: [spec.architecture ?? 'x86_64'],
    origin: [spec.name],
    license: ['MIT'],
    ...Object.fromEntries(own),
    datahash: [spec.dataHash ?? dataHash],
  };
}

interface TarEntry {
  readonly header: Readonly<Record<string, unknown>>;
  readonly content: Buffer;
}

function toEntry(file: ApkFile): TarEntry {
  const { path, kind = 'file', content = '', target, mode = kind === 'directory' ? 0o755 : 0o644 } = file;
  const bytes = Buffer.from(content as string);
  const summed = kind === 'file' ? bytes : kind === 'symlink' ? Buffer.from(target ?? '') : undefined;
  const sum = summed === undefined || path.startsWith('.') ? {} : checksumOf(summed);
  return {
    header: {
      name: kind === 'directory' ? `${path}/` : path,
      type: kind,
      mode: kind === 'symlink' ? 0o777 : mode,
      uid: file.uid ?? 0,
      gid: file.gid ?? 0,
      mtime: new Date((file.mtime ?? MTIME) * 1000),
      ...(target === undefined ? {} : { linkname: target }),
      pax: { ...sum, ...file.pax },
    },
    content: bytes,
  };
}

function checksumOf(bytes: Buffer): Record<string, string> {
  return { 'APK-TOOLS.checksum.SHA1': createHash('sha1').update(bytes).digest('hex') };
}

async function archive(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { header, content } of entries) tar.entry(header as never, content);
  tar.finalize();
  return Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Uint8Array>));
}
