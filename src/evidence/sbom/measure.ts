// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { Measure, type TreeEntry } from '#core';
import type { SbomFile } from './types.ts';

/** Takes a file's path and bytes; gives what an SBOM says of it. */
export async function measureFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<SbomFile> {
  const sum = new Measure();
  const sha1 = createHash('sha1');
  for await (const chunk of bytes) {
    sum.update(chunk);
    sha1.update(chunk);
  }
  return { path, digest: sum.digest(), sha1: sha1.digest('hex'), size: sum.size };
}

/** Takes the entries of a root; gives its regular files, hard links among them, sorted by path. Throws what an entry's `open` throws. */
export async function measureTree(entries: Iterable<TreeEntry>): Promise<readonly SbomFile[]> {
  const files = new Map<string, SbomFile>();
  const links: Extract<TreeEntry, { kind: 'hardlink' }>[] = [];
  for (const entry of entries) {
    if (entry.kind === 'file') files.set(entry.path, await measureFile(entry.path, entry.open()));
    else if (entry.kind === 'hardlink') links.push(entry);
  }
  for (const { path, target } of links) {
    const file = files.get(target);
    if (file !== undefined) files.set(path, { ...file, path, sameAs: file.sameAs ?? target });
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
