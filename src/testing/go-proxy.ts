// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { escapeModuleText } from '#formats';
import { type ChecksumLog, createChecksumLog } from './checksum-log.ts';
import { buildZip, type ZipSpec } from './zip.ts';

/** What goes wrong with requests whose path matches, `times` times (always by default). */
export type GoProxyFault = { readonly path: RegExp; readonly times?: number } & (
  | { readonly kind: 'status'; readonly status: number }
  /** The connection breaks half way. */
  | { readonly kind: 'cut' }
  /** A whole answer, but shorter or with other bytes. */
  | { readonly kind: 'truncated' | 'altered' }
  | { readonly kind: 'instead'; readonly body: Uint8Array | string }
);

/** A module version to serve. Its zip is made of `files`, or is exactly `zip`. */
export interface GoModuleSpec {
  readonly path: string;
  readonly version: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly zip?: readonly ZipSpec[] | Buffer;
  readonly time?: string;
  readonly origin?: { readonly URL: string; readonly Hash: string; readonly Ref?: string };
  /** Not named in the version list. */
  readonly unlisted?: boolean;
  /** Not in the checksum database. */
  readonly unknown?: boolean;
  /** What the database records instead of the truth. */
  readonly record?: (text: string) => string;
}

/** The hashes of a published module, as go.sum has them. */
export interface PublishedModule {
  readonly path: string;
  readonly version: string;
  readonly zipHash: string;
  readonly modHash: string;
}

/** A Go module proxy on a free port of 127.0.0.1 that mirrors its own checksum database below `/sumdb/<name>`. */
export interface GoProxyServer {
  readonly url: string;
  readonly log: ChecksumLog;
  /** Each requested path, in order. */
  readonly requests: string[];
  publish(module: GoModuleSpec): PublishedModule;
  fail(fault: GoProxyFault): void;
  /** Lets all faults go. */
  heal(): void;
  stop(): Promise<void>;
}

/** Starts a proxy that holds nothing yet. */
export async function startGoProxy(): Promise<GoProxyServer> {
  const log = createChecksumLog();
  const files = new Map<string, Buffer>();
  const lists = new Map<string, string[]>();
  const requests: string[] = [];
  let faults: { readonly fault: GoProxyFault; left: number }[] = [];

  function contentOf(path: string): Buffer | undefined {
    const prefix = `sumdb/${log.name}/`;
    if (path.startsWith(prefix)) return log.answer(path.slice(prefix.length));
    const list = path.endsWith('/@v/list') ? lists.get(path) : undefined;
    return list === undefined ? files.get(path) : Buffer.from(list.map((version) => `${version}\n`).join(''));
  }

  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    requests.push(path);
    const hit = faults.find(({ fault, left }) => left > 0 && fault.path.test(path));
    if (hit !== undefined) hit.left -= 1;
    answer(response, contentOf(path), hit?.fault);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    requests,
    publish(module) {
      const base = `${escapeModuleText(module.path)}/@v/`;
      const made = makeModule(module);
      const version = escapeModuleText(module.version);
      files.set(`${base}${version}.zip`, made.zip);
      files.set(`${base}${version}.mod`, made.mod);
      files.set(`${base}${version}.info`, made.info);
      const list = lists.get(`${base}list`) ?? [];
      lists.set(`${base}list`, module.unlisted === true ? list : [...list, module.version]);
      const { path, version: plain } = module;
      const record = `${path} ${plain} ${made.zipHash}\n${path} ${plain}/go.mod ${made.modHash}\n`;
      if (module.unknown !== true) log.add(module.record?.(record) ?? record);
      return { path, version: plain, zipHash: made.zipHash, modHash: made.modHash };
    },
    fail: (fault) => void faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    heal: () => void (faults = []),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, content: Buffer | undefined, fault: GoProxyFault | undefined): void {
  if (fault?.kind === 'status') response.writeHead(fault.status).end('no\n');
  else if (fault?.kind === 'instead') response.writeHead(200).end(fault.body);
  else if (content === undefined) response.writeHead(404).end('not found\n');
  else if (fault?.kind === 'truncated')
    response.writeHead(200).end(content.subarray(0, Math.floor(content.length / 2)));
  else if (fault?.kind === 'altered') response.writeHead(200).end(altered(content));
  else if (fault?.kind === 'cut') {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, Math.floor(content.length / 2)), () => response.destroy());
  } else response.writeHead(200, { 'content-length': content.length }).end(content);
}

function altered(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  const middle = Math.floor(copy.length / 2);
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}

function makeModule(module: GoModuleSpec): {
  zip: Buffer;
  mod: Buffer;
  info: Buffer;
  zipHash: string;
  modHash: string;
} {
  const name = `${module.path}@${module.version}`;
  const files = { 'go.mod': `module ${module.path}\n`, ...module.files };
  const entries = Object.entries(files).map(([path, content]) => ({
    name: `${name}/${path}`,
    content: Buffer.from(content),
  }));
  const mod = Buffer.from(files['go.mod']);
  const zip = Buffer.isBuffer(module.zip) ? module.zip : buildZip(module.zip ?? entries);
  const info = { Version: module.version, Time: module.time ?? '2026-01-02T03:04:05Z', Origin: module.origin };
  return {
    zip,
    mod,
    info: Buffer.from(JSON.stringify(info)),
    zipHash: hashOf(entries),
    modHash: hashOf([{ name: 'go.mod', content: mod }]),
  };
}

/** golang.org/x/mod/sumdb/dirhash Hash1, written a second time so that the room's own is checked by another hand. */
function hashOf(files: readonly { readonly name: string; readonly content: Buffer }[]): string {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = sorted.map(({ name, content }) => `${createHash('sha256').update(content).digest('hex')}  ${name}\n`);
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`;
}
