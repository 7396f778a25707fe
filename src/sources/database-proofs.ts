// SPDX-License-Identifier: Apache-2.0
import {
  consistencyProof,
  type HashReader,
  inclusionProof,
  recordHash,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from '#formats';
import { SourcesError } from './error.ts';
import type { TreeHead } from './seen-head.ts';
import { TileMissing, type Tiles } from './tiles.ts';

/**
 * A head smaller than one seen before is usual where a cache lags behind, but then the database still has the larger
 * tree. Throws `DATABASE_ROLLED_BACK` when it does not: it has forgotten records it signed.
 */
export async function assertHeld(tiles: Tiles, seen: TreeHead, head: TreeHead, where: string): Promise<void> {
  const rolledBack = () =>
    new SourcesError(
      'DATABASE_ROLLED_BACK',
      `the checksum database has gone back to ${head.size} records, though it signed ${seen.size} before`,
      { where, hint: 'Wait and try again; if it stays so, whatever answers here is not to be trusted.' },
    );
  try {
    const root = await tiles.compute(seen.size, (read) => treeRoot(seen.size, read), true);
    if (!root.equals(seen.root)) throw rolledBack();
  } catch (error) {
    throw error instanceof TileMissing ? rolledBack() : error;
  }
}

/** Says whether the smaller head's tree is a prefix of the larger one's; throws `DATABASE_ANSWER_INVALID` where the tiles can't tell. */
export async function areConsistent(tiles: Tiles, a: TreeHead, b: TreeHead, where: string): Promise<boolean> {
  const [old, tree] = a.size <= b.size ? [a, b] : [b, a];
  if (old.size === tree.size) return old.root.equals(tree.root);
  for (const fresh of [false, true]) {
    const { proof, root } = await compute(tiles, { size: tree.size, where, fresh }, (read) => ({
      proof: consistencyProof(tree.size, old.size, read),
      root: treeRoot(tree.size, read),
    }));
    if (verifyConsistency(tree, old, proof)) return true;
    if (root.equals(tree.root)) return false; // the tiles do make up the larger tree, so it is the smaller that differs
  }
  throw wrongTiles(tree, where);
}

/** Checks that a record is in the head's tree at its id; throws `DATABASE_ANSWER_INVALID`. */
export async function proveInclusion(
  tiles: Tiles,
  head: TreeHead,
  { id, record, where }: { id: number; record: string; where: string },
): Promise<void> {
  if (id >= head.size) throw invalidAnswer(`the checksum database names record ${id} of a tree of ${head.size}`, where);
  const leaf = recordHash(record);
  for (const fresh of [false, true]) {
    const proof = await compute(tiles, { size: head.size, where, fresh }, (read) =>
      inclusionProof(head.size, id, read),
    );
    if (verifyInclusion(head, id, leaf, proof)) return;
  }
  throw invalidAnswer(`the checksum database's record ${id} is not in its signed tree of ${head.size} records`, where);
}

/** A tile damaged on our disk must not stop a proof, so each is tried from the cache, then from the database (`fresh`). */
async function compute<T>(
  tiles: Tiles,
  { size, where, fresh }: { size: number; where: string; fresh: boolean },
  use: (read: HashReader) => T,
): Promise<T> {
  try {
    return await tiles.compute(size, use, fresh);
  } catch (error) {
    if (!(error instanceof TileMissing)) throw error;
    throw invalidAnswer(`the checksum database cannot prove its answer: ${error.message}`, where);
  }
}

function wrongTiles(head: TreeHead, where: string): SourcesError {
  return invalidAnswer(`the checksum database's tiles do not lead to its signed tree of ${head.size} records`, where);
}

/** Gives the error for an answer that proves nothing, or proves itself wrong. */
export function invalidAnswer(message: string, where: string): SourcesError {
  return new SourcesError('DATABASE_ANSWER_INVALID', message, {
    where,
    hint: 'Try again; if it stays so, the proxy or the database is broken or lies. Nothing was taken from it.',
  });
}
