// SPDX-License-Identifier: Apache-2.0
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { createCleartextMessage, generateKey, type PrivateKey, sign } from 'openpgp';
import { type Digest, digestOf, hexOf } from '#core';
import { type BuiltDeb, buildDeb, type DebSpec, formatFields } from './debian-package.ts';

/** What goes wrong with files whose path matches: gone, cut half way through, other bytes of the same size, or a status. */
export type DebianFault = { readonly path: RegExp; readonly times?: number } & (
  | { readonly kind: 'missing' | 'cut' | 'altered' }
  | { readonly kind: 'status'; readonly status: number }
);

/** One state of a suite. */
export interface SuiteSpec {
  readonly suite: string;
  /** Packages by architecture `all`, `amd64` or `arm64`; those for `all` are in every index, as in Debian. */
  readonly packages: readonly DebSpec[];
  readonly date: Date;
  readonly validUntil?: Date;
  /** Forms of the indexes; `.xz` and plain by default. */
  readonly forms?: readonly ('.xz' | '.gz' | '')[];
  readonly byHash?: boolean;
  /** Keeps packages for `all` in an index of their own. */
  readonly separateAll?: boolean;
  /** Sign with a key that nobody knows. */
  readonly wronglySigned?: boolean;
  /** Changes the Release file's text before it is signed. */
  readonly release?: (text: string) => string;
  /** Changes the InRelease after it was signed. */
  readonly inRelease?: (text: string) => string;
  /** Changes the Packages text before it is hashed. */
  readonly index?: (text: string) => string;
}

/** A Debian archive on a free port of 127.0.0.1, with a key of its own. Main and security archive lie at one address. */
export interface DebianRepository {
  /** Base URI without trailing slash. */
  readonly uri: string;
  /** The public key, armored, and its primary fingerprint, upper case. */
  readonly publicKey: string;
  readonly fingerprint: string;
  /** Each requested path, in order. */
  readonly requests: string[];
  /** Builds packages and publishes a suite; the pool keeps what earlier states put there. */
  publish(suite: SuiteSpec): Promise<void>;
  fail(fault: DebianFault): void;
  stop(): Promise<void>;
}

const KEY_DATE = new Date('2026-01-01T00:00:00Z');

/** Starts an archive that holds nothing yet. */
export async function startDebianRepository(): Promise<DebianRepository> {
  const key = await makeKey('Test Archive');
  const stranger = await makeKey('Stranger');
  const files = new Map<string, Buffer>();
  const faults: { fault: DebianFault; left: number }[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    requests.push(path);
    const known = faults.find(({ fault, left }) => left > 0 && fault.path.test(path));
    if (known !== undefined) known.left -= 1;
    respond(response, files.get(path), known?.fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey: key.toPublic().armor(),
    fingerprint: key.getFingerprint().toUpperCase(),
    requests,
    publish: async (suite) => publishSuite(suite, suite.wronglySigned ? stranger : key, files),
    fail: (fault) => faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function makeKey(name: string): Promise<PrivateKey> {
  const { privateKey } = await generateKey({ userIDs: [{ name }], type: 'ecc', date: KEY_DATE, format: 'object' });
  return privateKey;
}

function respond(response: ServerResponse, content: Buffer | undefined, fault: DebianFault | undefined): void {
  if (fault?.kind === 'status') {
    response.writeHead(fault.status).end();
  } else if (content === undefined || fault?.kind === 'missing') {
    response.writeHead(404).end('not found');
  } else if (fault?.kind === 'cut') {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, content.length >> 1), () => setImmediate(() => response.destroy()));
  } else if (fault?.kind === 'altered') {
    const altered = Buffer.from(content);
    altered[altered.length - 1] = (altered.at(-1) as number) ^ 1;
    response.writeHead(200, { 'content-length': content.length }).end(altered);
  } else {
    response.writeHead(200, { 'content-length': content.length }).end(content);
  }
}

async function publishSuite(suite: SuiteSpec, key: PrivateKey, files: Map<string, Buffer>): Promise<void> {
  const stanzas: { architecture: string; text: string }[] = [];
  for (const spec of suite.packages) {
    const deb = await buildDeb(spec);
    const path = poolPath(spec);
    files.set(path, deb.bytes);
    stanzas.push({ architecture: spec.architecture ?? 'all', text: stanzaOf(deb, path) });
  }
  const folder = `dists/${suite.suite}`;
  const indexes: { path: string; digest: Digest; size: number }[] = [];
  for (const part of ['amd64', 'arm64', ...(suite.separateAll ? ['all'] : [])]) {
    const wanted = (architecture: string) => architecture === part || (architecture === 'all' && !suite.separateAll);
    const listed = stanzas.filter(({ architecture }) => wanted(architecture)).map(({ text }) => text);
    const text = Buffer.from(suite.index?.(listed.join('\n')) ?? listed.join('\n'));
    for (const form of suite.forms ?? ['.xz', '']) {
      const bytes = form === '.xz' ? Buffer.from(xz.compressSync(text)) : form === '.gz' ? gzipSync(text) : text;
      const path = `main/binary-${part}/Packages${form}`;
      const digest = digestOf(bytes);
      indexes.push({ path, digest, size: bytes.length });
      files.set(`${folder}/${path}`, bytes);
      if (suite.byHash) files.set(`${folder}/main/binary-${part}/by-hash/SHA256/${hexOf(digest)}`, bytes);
    }
  }
  const lines = indexes.map(({ digest, size, path }) => `\n ${hexOf(digest)} ${String(size).padStart(8)} ${path}`);
  const release = formatFields({
    Origin: 'Test',
    Suite: suite.suite,
    Codename: suite.suite,
    Date: formatDate(suite.date),
    ...(suite.validUntil === undefined ? {} : { 'Valid-Until': formatDate(suite.validUntil) }),
    ...(suite.byHash ? { 'Acquire-By-Hash': 'yes' } : {}),
    Architectures: suite.separateAll ? 'all amd64 arm64' : 'amd64 arm64',
    Components: 'main',
    SHA256: lines.join(''),
  });
  const message = await createCleartextMessage({ text: suite.release?.(release) ?? release });
  const signed = await sign({
    message,
    signingKeys: key,
    date: new Date(Math.max(suite.date.getTime(), KEY_DATE.getTime())),
  });
  const text = signed.replaceAll('\r\n', '\n');
  files.set(`${folder}/InRelease`, Buffer.from(suite.inRelease?.(text) ?? text));
}

function poolPath({ name, version, architecture }: DebSpec): string {
  return `pool/main/${name.slice(0, 1)}/${name}/${name}_${version.replace(/^\d+:/, '')}_${architecture ?? 'all'}.deb`;
}

function stanzaOf(deb: BuiltDeb, path: string): string {
  return formatFields({
    ...deb.fields,
    Filename: path,
    Size: String(deb.bytes.length),
    SHA256: hexOf(digestOf(deb.bytes)),
  });
}

function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', 'UTC');
}
