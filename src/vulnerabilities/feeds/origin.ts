// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { discard, type Http, HttpError, type HttpResponse, limitedBody, messageOf, redact } from '#core';
import { decompress } from '#formats';
import { VulnerabilityError } from '../error.ts';

/** A file of a feed: its path in a mirror, and its public address. */
export interface FeedFile {
  readonly path: string;
  readonly url: string;
}

/** What asking for a file gave. `unchanged` only comes where a validator was sent. */
export type Answer = { readonly kind: 'absent' } | { readonly kind: 'unchanged' } | FoundFile;

/** A file that is there. Its body must be read or the process ends first; bytes past the limit throw `FEED_TOO_LARGE`. */
export interface FoundFile {
  readonly kind: 'found';
  /** URL or path, without credentials. */
  readonly where: string;
  /** What to send the next time, so that an unchanged file is not sent again. */
  readonly validator?: string;
  readonly modified?: Date;
  /** Set where the file lies on this machine. */
  readonly localPath?: string;
  body(maxBytes: number): AsyncIterable<Uint8Array>;
}

/** How a file is asked for. */
export interface GetOptions {
  readonly validator?: string | undefined;
}

/** Where feeds come from: their public addresses, or a mirror of them all. */
export interface Origin {
  /** Gives where a file would come from, without credentials. */
  place(file: FeedFile): string;
  /** Throws `FEED_UNREACHABLE` where there is no usable answer. */
  get(file: FeedFile, options?: GetOptions): Promise<Answer>;
  /** The names in a folder of the mirror; undefined where that can't be known (HTTP). */
  list(folder: string): Promise<readonly string[] | undefined>;
}

/**
 * Opens a mirror (an http or https URL, a file URL or a folder's path, relative to `workingFolder`), or without one the
 * public addresses. Throws `FEED_SOURCE_INVALID` for a mirror that is neither.
 */
export function openOrigin(options: {
  readonly mirror?: string | undefined;
  readonly http: Http;
  readonly signal?: AbortSignal;
}): Origin {
  const { mirror } = options;
  if (mirror === undefined) return httpOrigin((file) => file.url, options);
  if (/^https?:\/\//i.test(mirror)) {
    if (!URL.canParse(mirror)) throw invalidMirror(mirror);
    const base = new URL(mirror);
    const prefix = base.pathname.replace(/\/+$/, '');
    return httpOrigin((file) => {
      const url = new URL(base);
      url.pathname = `${prefix}/${file.path.split('/').map(encodeURIComponent).join('/')}`;
      return url.href;
    }, options);
  }
  if (/^file:\/\//i.test(mirror)) return folderOrigin(pathOf(mirror));
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(mirror)) throw invalidMirror(mirror);
  return folderOrigin(resolve(mirror));
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw invalidMirror(url);
  }
}

function invalidMirror(mirror: string): VulnerabilityError {
  return new VulnerabilityError(
    'FEED_SOURCE_INVALID',
    'the mirror of the feeds must be an http, https or file URL, or a folder',
    { where: mirror, hint: 'Set it with --mirror, OAKUM_FEEDS_MIRROR or feeds.mirror in the definition.' },
  );
}

function httpOrigin(
  urlOf: (file: FeedFile) => string,
  { http, signal }: { readonly http: Http; readonly signal?: AbortSignal },
): Origin {
  return {
    place: (file) => placeOf(urlOf(file)),
    list: async () => undefined,
    async get(file, { validator } = {}) {
      const url = new URL(urlOf(file));
      const headers = { ...authorizationOf(url), ...conditionOf(validator), 'accept-encoding': 'gzip' };
      url.username = '';
      url.password = '';
      const where = placeOf(url.href);
      const response = await ask(http, { url: url.href, headers, ...(signal === undefined ? {} : { signal }) }, where);
      if (response.status === 200) return toFound(response, where);
      await discard(response);
      if (response.status === 304 && validator !== undefined) return { kind: 'unchanged' };
      if (response.status === 404 || response.status === 410) return { kind: 'absent' };
      throw new VulnerabilityError('FEED_UNREACHABLE', `the server answered ${response.status}`, { where });
    },
  };
}

async function ask(http: Http, request: Parameters<Http>[0], where: string): Promise<HttpResponse> {
  try {
    return await http(request);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new VulnerabilityError('FEED_UNREACHABLE', error.message, { where, cause: error, ...hint });
  }
}

/** No user information, no signed query: what is stored and shown. */
function placeOf(url: string): string {
  const place = new URL(url);
  place.username = '';
  place.password = '';
  return redact(place.href);
}

function authorizationOf(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** RFC 9110 13.1: an ETag where the server gave one, else the date. */
function conditionOf(validator: string | undefined): Record<string, string> {
  if (validator === undefined) return {};
  return validator.startsWith('date:')
    ? { 'if-modified-since': validator.slice('date:'.length) }
    : { 'if-none-match': validator };
}

function toFound(response: HttpResponse, where: string): FoundFile {
  const date = response.headers.get('last-modified');
  const modified = date === null || Number.isNaN(Date.parse(date)) ? undefined : new Date(date);
  const validator = response.headers.get('etag') ?? (date === null ? undefined : `date:${date}`);
  const packed = /^(?:x-)?gzip$/i.test(response.headers.get('content-encoding') ?? '');
  return {
    kind: 'found',
    where,
    ...(validator === undefined ? {} : { validator }),
    ...(modified === undefined ? {} : { modified }),
    body: (maxBytes) => readable(limitedBody(response, maxBytes), { packed, maxBytes, where }),
  };
}

/** Undoes Content-Encoding (RFC 9110 8.4), and names the faults in the room's words. */
async function* readable(
  bytes: AsyncIterable<Uint8Array>,
  { packed, maxBytes, where }: { packed: boolean; maxBytes: number; where: string },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* packed ? decompress(bytes, { compression: 'gzip', maxBytes, where }) : bytes;
  } catch (error) {
    throw feedFault(error, where);
  }
}

/** Takes what a transport or a format threw; gives it as this room's error, others as they are. */
export function feedFault(error: unknown, where: string): unknown {
  if (error instanceof VulnerabilityError || !(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  const details = { where, cause: error };
  if (code === 'HTTP_TOO_LARGE' || code === 'DECOMPRESS_TOO_LARGE')
    return new VulnerabilityError('FEED_TOO_LARGE', error.message, details);
  if (code === 'DECOMPRESS_INVALID' || code === 'ZIP_INVALID')
    return new VulnerabilityError('FEED_INVALID', error.message, details);
  return error instanceof HttpError ? new VulnerabilityError('FEED_UNREACHABLE', error.message, details) : error;
}

function folderOrigin(root: string): Origin {
  const pathOf = (path: string) => {
    const full = resolve(root, path);
    if (full !== root && !full.startsWith(root.endsWith(sep) ? root : root + sep)) throw invalidMirror(full);
    return full;
  };
  return {
    place: (file) => pathOf(file.path),
    async list(folder) {
      const names = await readdir(pathOf(folder)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
        throw unreadable(error, join(root, folder));
      });
      return names.toSorted((a, b) => (a < b ? -1 : 1));
    },
    async get(file, { validator } = {}) {
      const path = pathOf(file.path);
      await requireFolder(root);
      const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
        throw unreadable(error, path);
      });
      if (found === undefined || !found.isFile()) return { kind: 'absent' };
      const mark = `file:${found.size}-${found.mtimeNs}-${found.ino}`;
      if (mark === validator) return { kind: 'unchanged' };
      return {
        kind: 'found',
        where: path,
        validator: mark,
        modified: new Date(Number(found.mtimeMs)),
        localPath: path,
        body: (maxBytes) => readFileWithin(path, maxBytes),
      };
    },
  };
}

/** A mirror that is not there at all is unreachable, not empty. */
async function requireFolder(root: string): Promise<void> {
  const folder = await stat(root).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error, root);
  });
  if (!folder.isDirectory()) throw invalidMirror(root);
}

async function* readFileWithin(path: string, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > maxBytes)
        throw new VulnerabilityError('FEED_TOO_LARGE', `it is larger than ${maxBytes} bytes`, { where: path });
      yield chunk;
    }
  } catch (error) {
    throw error instanceof VulnerabilityError ? error : unreadable(error, path);
  }
}

function unreadable(error: unknown, where: string): VulnerabilityError {
  return new VulnerabilityError('FEED_UNREACHABLE', `it can't be read: ${messageOf(error)}`, { where, cause: error });
}
