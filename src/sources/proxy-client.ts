// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { discard, type Http, HttpError, limitedBody, messageOf, type OakumError, oneChunk } from '#core';
import { SourcesError } from './error.ts';
import type { GoProxy } from './proxies.ts';

/** One file wanted from the proxies. `subject` is what it belongs to, for messages. */
export interface ProxyRequest {
  readonly path: string;
  readonly subject: string;
  readonly maxBytes: number;
}

/** A file as one proxy gives it. The body breaks with `HTTP_TOO_LARGE` past the request's limit. */
export interface ProxyAnswer {
  readonly url: string;
  readonly size: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Reads files from a list of Go module proxies by the rules of its commas and pipes. */
export interface ProxyClient {
  /**
   * Hands the first proxy's answer to `use`, again from the start when the body breaks off (four times in all).
   * Throws `MODULE_NOT_SERVED` when no proxy has the file, `PROXY_FAILED` when one fails and the list stops there.
   */
  get<T>(request: ProxyRequest, use: (answer: ProxyAnswer) => Promise<T>): Promise<T>;
  text(request: ProxyRequest): Promise<{ readonly url: string; readonly text: string }>;
  /** The proxies' URLs, for the checksum database's mirror below them. */
  readonly urls: readonly string[];
}

/** What one proxy said when it did not give the file. */
interface Refusal {
  readonly url: string;
  readonly status?: number;
  readonly why: string;
  readonly cause?: unknown;
}

const BODY_ATTEMPTS = 4;
const DIRECT = 'Oakum reads from module proxies only, not from version control, so `direct` was passed over';

/** Gives a client over a list of proxies. */
export function openProxyClient(http: Http, proxies: readonly GoProxy[], signal?: AbortSignal): ProxyClient {
  const client: ProxyClient = {
    urls: proxies.flatMap((proxy) => (proxy.kind === 'proxy' ? [proxy.url] : [])),
    async get(request, use) {
      const refusals: Refusal[] = [];
      for (const proxy of proxies) {
        if (proxy.kind !== 'proxy') {
          refusals.push({ url: proxy.kind, why: proxy.kind === 'off' ? '`off` ends the proxy list' : DIRECT });
          continue;
        }
        const outcome = await askProxy(http, proxy.url, request, use, signal);
        if ('value' in outcome) return outcome.value;
        refusals.push(outcome);
        const isMissing = outcome.status === 404 || outcome.status === 410;
        if (!isMissing && proxy.next === 'missing') break;
      }
      throw refusalError(request, refusals);
    },
    text: (request) =>
      client.get(request, async (answer) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of answer.body) chunks.push(chunk);
        return { url: answer.url, text: Buffer.concat(chunks).toString('utf8') };
      }),
  };
  return client;
}

/** Asks one address; gives the value, or why there is none. Errors of `use` itself (a wrong hash, a full disk) go through. */
async function askProxy<T>(
  http: Http,
  base: string,
  request: ProxyRequest,
  use: (answer: ProxyAnswer) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<{ value: T } | Refusal> {
  const url = `${base}/${request.path}`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (url.startsWith('file:')) return await readLocal(url, request, use);
      const response = await http({ ...authorized(url), ...(signal === undefined ? {} : { signal }) });
      if (response.status !== 200) {
        await discard(response);
        return { url, status: response.status, why: `${hostOf(url)} answered ${response.status}` };
      }
      const length = Number(response.headers.get('content-length') ?? Number.NaN);
      const size = Number.isSafeInteger(length) ? length : undefined;
      return { value: await use({ url, size, body: limitedBody(response, request.maxBytes) }) };
    } catch (error) {
      if (signal?.aborted || !(error instanceof HttpError)) throw error;
      if (error.code === 'HTTP_BODY_CUT' && attempt < BODY_ATTEMPTS) continue;
      return { url, why: `${hostOf(url)}: ${messageOf(error)}`, cause: error };
    }
  }
}

async function readLocal<T>(
  url: string,
  request: ProxyRequest,
  use: (answer: ProxyAnswer) => Promise<T>,
): Promise<{ value: T } | Refusal> {
  const path = fileURLToPath(url);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return { url, status: 404, why: `there is no file ${path}` };
  if (found.size > request.maxBytes) return { url, why: `${path} is larger than ${request.maxBytes} bytes` };
  if (found.size < 1 << 20) {
    const bytes = await readFile(path);
    return { value: await use({ url, size: bytes.length, body: oneChunk(bytes) }) };
  }
  return { value: await use({ url, size: found.size, body: createReadStream(path, { highWaterMark: 1 << 20 }) }) };
}

/** Takes a URL that may carry a user and password; gives the request with both moved to the header they belong in (RFC 7617). */
export function authorized(url: string): { url: string; headers: Record<string, string> } {
  const parsed = new URL(url);
  if (parsed.username === '' && parsed.password === '') return { url, headers: {} };
  const pair = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  parsed.username = '';
  parsed.password = '';
  return { url: parsed.href, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

function refusalError(request: ProxyRequest, refusals: readonly Refusal[]): OakumError {
  const asked = refusals.filter((refusal) => refusal.url !== 'off' && refusal.url !== 'direct');
  const last = asked.at(-1);
  if (last === undefined) {
    return new SourcesError(
      'PROXY_MISSING',
      `no Go module proxy to fetch ${request.subject} from: ${listOf(refusals)}`,
      {
        hint: 'Set GOPROXY, or `proxy` in the definition, to a Go module proxy.',
      },
    );
  }
  const isRefused = [403, 404, 410].includes(last.status ?? 0);
  const isForbidden = last.status === 403;
  return new SourcesError(
    isRefused ? 'MODULE_NOT_SERVED' : 'PROXY_FAILED',
    isRefused
      ? `${request.subject} is not served by the Go module proxy: ${listOf(refusals)}`
      : `the Go module proxy failed to give ${request.subject}: ${listOf(refusals)}`,
    {
      where: last.url,
      cause: last.cause,
      hint: isForbidden
        ? 'This proxy does not serve that version, by rule or because it never had it. Choose another version, or another proxy with GOPROXY.'
        : isRefused
          ? 'Check the version, or name a proxy that has it with GOPROXY.'
          : 'Try again later, or name another proxy with GOPROXY.',
    },
  );
}

function listOf(refusals: readonly Refusal[]): string {
  return refusals.length === 0 ? 'the proxy list is empty' : refusals.map((refusal) => refusal.why).join('; ');
}

function hostOf(url: string): string {
  return new URL(url).host || url;
}
