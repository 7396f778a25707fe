// SPDX-License-Identifier: Apache-2.0

/** Takes an advisory's own word for where to read of it; gives it as a URL, or undefined where it is none of the web: links run what they name. */
export function webAddress(url: string | undefined): string | undefined {
  const parsed = url === undefined ? null : URL.parse(url);
  return parsed?.protocol === 'https:' || parsed?.protocol === 'http:' ? parsed.href : undefined;
}
