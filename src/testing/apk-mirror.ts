// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { digestOf } from '#core';
import { type ApkSigner, type ApkSpec, buildApk, type BuiltApk, signatureOf } from './apk-package.ts';
import { type LoopbackAnswer, type LoopbackRequest, startLoopback } from './loopback.ts';

/** One state of a repository for one architecture. */
export interface ApkRepositorySpec {
  /** Below the mirror: `v3.22/main`. */
  readonly repository: string;
  /** `x86_64` by default. */
  readonly architecture?: string;
  readonly packages: readonly ApkSpec[];
  /** When the index was made. */
  readonly date: Date;
  readonly description?: string;
  /** In place of the mirror's own key. */
  readonly signer?: ApkSigner;
  readonly unsigned?: boolean;
  /** Changes the index's text before it is signed. */
  readonly index?: (text: string) => string;
}

/** A mirror of Alpine on a free port of 127.0.0.1, with a key of its own. */
export interface ApkMirror {
  readonly uri: string;
  readonly signer: ApkSigner;
  /** PEM; its file in /etc/apk/keys is called as the signer. */
  readonly publicKey: string;
  readonly requests: readonly LoopbackRequest[];
  /** Builds packages and publishes a repository; packages of earlier states stay. */
  publish(spec: ApkRepositorySpec): Promise<readonly BuiltApk[]>;
  /** Puts any bytes at a path. */
  put(path: string, bytes: Buffer): void;
  answerNext(answer: LoopbackAnswer, times?: number): void;
  stop(): Promise<void>;
}

/** Makes a key pair to sign packages and indexes with. */
export function makeApkSigner(name: string): ApkSigner & { readonly publicKey: string } {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    name,
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    kind: 'RSA256',
  };
}

/** Starts a mirror that holds nothing yet. */
export async function startApkMirror(): Promise<ApkMirror> {
  const { publicKey, ...signer } = makeApkSigner('test@example.org-1.rsa.pub');
  const files = new Map<string, Buffer>();
  const server = await startLoopback(({ path }) => {
    const body = files.get(decodeURIComponent(path));
    return body === undefined ? { status: 404 } : { status: 200, headers: { etag: `"${digestOf(body)}"` }, body };
  });
  return {
    uri: server.url,
    signer,
    publicKey,
    requests: server.requests,
    put: (path, bytes) => void files.set(path, bytes),
    answerNext: (answer, times) => server.answerNext(answer, times),
    stop: () => server.stop(),
    async publish(spec) {
      const { repository, architecture = 'x86_64', packages, unsigned = false } = spec;
      const by = unsigned ? undefined : (spec.signer ?? signer);
      const built = await Promise.all(packages.map((one) => buildApk({ architecture, ...one }, by)));
      const folder = `/${repository}/${architecture}`;
      for (const [at, { bytes }] of built.entries()) {
        const { name, version } = packages[at] as ApkSpec;
        files.set(`${folder}/${name}-${version}.apk`, bytes);
      }
      const text = built.map(indexEntry).join('');
      const index = await indexPart(spec.index?.(text) ?? text, spec);
      files.set(`${folder}/APKINDEX.tar.gz`, Buffer.concat([...(await signatureOf(index, by)), index]));
      return built;
    },
  };
}

/** Letters of an index, and the fields of .PKGINFO that they take (apk-tools, "APKINDEX format"). */
const LETTERS: readonly (readonly [string, string])[] = [
  ['P', 'pkgname'],
  ['V', 'pkgver'],
  ['A', 'arch'],
  ['I', 'size'],
  ['T', 'pkgdesc'],
  ['U', 'url'],
  ['L', 'license'],
  ['o', 'origin'],
  ['m', 'maintainer'],
  ['t', 'builddate'],
  ['c', 'commit'],
  ['k', 'provider_priority'],
  ['D', 'depend'],
  ['p', 'provides'],
  ['i', 'install_if'],
];

function indexEntry({ bytes, checksum, info }: BuiltApk): string {
  const fields = LETTERS.flatMap(([letter, key]) => {
    const values = info[key];
    return values === undefined ? [] : [`${letter}:${values.join(' ')}\n`];
  });
  return `C:${checksum}\nS:${bytes.length}\n${fields.join('')}\n`;
}

async function indexPart(text: string, { description = '', date }: ApkRepositorySpec): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'DESCRIPTION', mtime: date }, description);
  tar.entry({ name: 'APKINDEX', mtime: date }, text);
  tar.finalize();
  return gzipSync(Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Uint8Array>)));
}
