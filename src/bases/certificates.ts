// SPDX-License-Identifier: Apache-2.0
import type { Cache } from '#cache';
import type { Digest } from '#core';
import { readSlices, type Slice } from './spool.ts';

/** Where Go, OpenSSL and GnuTLS look for trusted certificates on Debian and Alpine. */
export const CERTIFICATE_BUNDLE = 'etc/ssl/certs/ca-certificates.crt';

const CERTIFICATE = /^usr\/share\/ca-certificates\/.+\.crt$/;

/** What is needed of a package taken apart. */
interface UnpackedPackage {
  readonly spool: Digest;
  readonly entries: readonly (
    | (Omit<Slice, 'spool'> & { readonly kind: 'file'; readonly path: string })
    | { readonly kind: 'directory' | 'symlink' | 'hardlink'; readonly path: string }
  )[];
}

/**
 * Takes the packages; gives the bytes that update-ca-certificates(8) would write with every shipped certificate
 * enabled: the files in the order of their names, each ended by a newline. Undefined where no package ships any.
 */
export async function bundleCertificates(
  cache: Cache,
  packages: readonly UnpackedPackage[],
): Promise<Buffer | undefined> {
  const contents: { path: string; content: Buffer }[] = [];
  for (const { spool, entries } of packages) {
    const files = entries.flatMap((entry) => (entry.kind === 'file' && CERTIFICATE.test(entry.path) ? [entry] : []));
    if (files.length === 0) continue;
    const read = await readSlices(
      cache,
      spool,
      files.map((file) => ({ ...file, spool })),
    );
    for (const [index, { path }] of files.entries()) contents.push({ path, content: read[index] as Buffer });
  }
  if (contents.length === 0) return undefined;
  contents.sort((a, b) => (a.path < b.path ? -1 : 1));
  return Buffer.concat(contents.flatMap(({ content }) => [content, ...(endsLine(content) ? [] : [NEWLINE])]));
}

const NEWLINE = Buffer.from('\n');

function endsLine(content: Buffer): boolean {
  return content.length === 0 || content.at(-1) === 0x0a;
}
