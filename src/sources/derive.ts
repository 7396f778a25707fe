// SPDX-License-Identifier: Apache-2.0
import { cp, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cache, TreeResult } from '#cache';
import { temporaryName } from '#core';
import type { Json } from '#formats';
import { SourcesError } from './error.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A change to a source: what it is made from and by what (together they decide the bytes), and the doing of it in a copy. */
export interface SourceChange {
  readonly inputs: Json;
  readonly apply: (folder: string) => Promise<void>;
  /** The hash that the changed copy must have, where it is known (from a lock). */
  readonly treeHash?: string;
}

/** A changed copy of a source, with the `h1:` hash over all its files (as of a module, under the name `source`). */
export interface DerivedSource extends TreeResult {
  readonly treeHash: string;
}

/**
 * Gives a changed copy of a composed source, made once per inputs. A copy of an earlier run is hashed again: one that has not
 * the hash it must have is made anew. Throws `HASH_MISMATCH` where the fresh copy has another hash than the lock says.
 */
export async function deriveSource(
  { cache, hashFolder }: { readonly cache: Cache; readonly hashFolder: WorkerPool['hashFolder'] },
  source: string,
  change: SourceChange,
): Promise<DerivedSource> {
  const key = { name: 'derive-source', inputs: change.inputs };
  const make = async (): Promise<DerivedSource> => {
    const tree = await cache.tree(key, async (into) => {
      await cp(source, into, { recursive: true });
      await change.apply(into);
    });
    return { ...tree, treeHash: await hashFolder(tree.path, 'source') };
  };
  const found = await make();
  const isRight = (one: DerivedSource) => one.treeHash === change.treeHash;
  if (change.treeHash === undefined ? !found.cached : isRight(found)) return found;
  if (found.cached) await cache.dropTree(key); // of unknown state: what made it is at hand, so it is made again
  const fresh = found.cached ? await make() : found;
  if (change.treeHash === undefined || isRight(fresh)) return fresh;
  await cache.dropTree(key);
  throw new SourcesError(
    'HASH_MISMATCH',
    `a changed source does not have the hash it was locked with: expected ${change.treeHash}, made ${fresh.treeHash}`,
    { where: source, hint: 'The lock was changed by hand, or a patch file was: plan the revision anew.' },
  );
}

/** Changes a file of a copy while it is being derived. A source's files are read-only, so the new one takes the old one's place and mode. */
export async function replaceInSource(path: string, content: string): Promise<void> {
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o444;
  const draft = temporaryName(path);
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFile(draft, content, { mode: mode & 0o777 });
  await rename(draft, path);
}
