// SPDX-License-Identifier: Apache-2.0
import { SourcesError } from './error.ts';

/**
 * One entry of a proxy list. `next` says when the entry after it is asked: `missing` on 404 and 410 only (a comma
 * follows), `failure` on any error (a pipe follows).
 */
export type GoProxy =
  | { readonly kind: 'proxy'; readonly url: string; readonly next: 'missing' | 'failure' }
  | { readonly kind: 'direct' | 'off'; readonly next: 'missing' | 'failure' };

/**
 * Reads a proxy list in GOPROXY's syntax (https://go.dev/ref/mod#environment-variables): https, http and file URLs,
 * `direct` and `off`, parted by commas and pipes. Throws `PROXY_LIST_INVALID`.
 */
export function parseGoProxies(text: string): readonly GoProxy[] {
  const proxies: GoProxy[] = [];
  for (const match of text.matchAll(/([^,|]*)([,|]|$)/g)) {
    const entry = (match[1] ?? '').trim();
    const next = match[2] === '|' ? 'failure' : 'missing';
    if (entry === '') continue;
    if (entry === 'direct' || entry === 'off') proxies.push({ kind: entry, next });
    else proxies.push({ kind: 'proxy', url: proxyUrl(entry), next });
    if (entry === 'off') break; // nothing after it can be reached
  }
  if (proxies.length === 0) throw invalid(`the Go module proxy list is empty`);
  return proxies;
}

function proxyUrl(entry: string): string {
  const text = entry.includes('://') || entry.startsWith('/') ? entry : `https://${entry}`;
  if (!URL.canParse(text)) throw invalid(`${JSON.stringify(entry)} in the Go module proxy list is not a URL`);
  const url = new URL(text);
  if (!['https:', 'http:', 'file:'].includes(url.protocol)) {
    throw invalid(`${JSON.stringify(entry)} in the Go module proxy list is neither an http nor a file URL`);
  }
  return url.href.replace(/\/+$/, '');
}

function invalid(message: string): SourcesError {
  return new SourcesError('PROXY_LIST_INVALID', message, {
    hint: 'Write it as GOPROXY is written: URLs, `direct` or `off`, parted by commas or pipes (https://go.dev/ref/mod#environment-variables).',
  });
}
