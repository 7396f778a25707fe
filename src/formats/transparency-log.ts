// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';

/**
 * A Merkle tree log as RFC 6962 section 2.1 defines it, read through tiles of height 8
 * (https://research.swtch.com/tlog#tiling_a_log): level, index of a complete subtree of 2^level records.
 */
export interface HashPosition {
  readonly level: number;
  readonly index: number;
}

/** One tile of a tree: `width` hashes (1 to 256) of tile level `level`. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** Gives the hash stored at a position; proofs are made from these. */
export type HashReader = (position: HashPosition) => Uint8Array;

/** The bytes of one hash. */
export const HASH_SIZE = 32;

const TILE_HEIGHT = 8;
const TILE_WIDTH = 256;

/** RFC 6962 2.1: the hash of a record (a leaf). */
export function recordHash(record: Uint8Array | string): Buffer {
  return createHash('sha256').update(Buffer.of(0)).update(record).digest();
}

/** RFC 6962 2.1: the hash of two neighbours. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();
}

/** Gives the root of the tree of the first `size` records; RFC 6962 2.1 MTH. */
export function treeRoot(size: number, read: HashReader): Buffer {
  return size === 0 ? createHash('sha256').digest() : rangeHash(0, size, read);
}

/** Gives the audit path of record `index` in the tree of `size` records, deepest hash first; RFC 6962 2.1.1 PATH. */
export function inclusionProof(size: number, index: number, read: HashReader): Buffer[] {
  const path = (low: number, high: number): Buffer[] => {
    if (high - low === 1) return [];
    const middle = low + splitOf(high - low);
    return index < middle
      ? [...path(low, middle), rangeHash(middle, high, read)]
      : [...path(middle, high), rangeHash(low, middle, read)];
  };
  return path(0, size);
}

/** Gives the proof that the tree of `size` records begins with the tree of `oldSize` records; RFC 6962 2.1.2 PROOF. */
export function consistencyProof(size: number, oldSize: number, read: HashReader): Buffer[] {
  const proof = (low: number, high: number, whole: boolean): Buffer[] => {
    if (oldSize === high) return whole ? [] : [rangeHash(low, high, read)];
    const middle = low + splitOf(high - low);
    return oldSize <= middle
      ? [...proof(low, middle, whole), rangeHash(middle, high, read)]
      : [...proof(middle, high, false), rangeHash(low, middle, read)];
  };
  return oldSize === 0 ? [] : proof(0, size, true);
}

/** Checks an audit path as RFC 9162 2.1.3.2 says: true when `leaf` is record `index` of the tree with this root. */
export function verifyInclusion(
  tree: { readonly size: number; readonly root: Uint8Array },
  index: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (index < 0 || index >= tree.size) return false;
  let fn = index;
  let sn = tree.size - 1;
  let hash: Uint8Array = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && Buffer.compare(hash, tree.root) === 0;
}

/** Checks a consistency proof as RFC 9162 2.1.4.2 says: true when the tree `old` is a prefix of `tree`. */
export function verifyConsistency(
  tree: { readonly size: number; readonly root: Uint8Array },
  old: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (old.size === 0) return proof.length === 0;
  if (old.size > tree.size) return false;
  if (old.size === tree.size) return proof.length === 0 && Buffer.compare(old.root, tree.root) === 0;
  let fn = old.size - 1;
  let sn = tree.size - 1;
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  const path = fn === 0 ? [old.root, ...proof] : [...proof]; // old.size is a power of two: its root is the first node
  const first = path.shift();
  if (first === undefined) return false;
  let [oldHash, newHash] = [first, first];
  for (const sibling of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && Buffer.compare(oldHash, old.root) === 0 && Buffer.compare(newHash, tree.root) === 0;
}

/** Gives the tile of a tree of `size` records that holds a position. */
export function tileOf(position: HashPosition, size: number): Tile {
  const level = half(position.level, TILE_HEIGHT);
  const row = position.index * 2 ** (position.level % TILE_HEIGHT);
  const index = half(row, TILE_WIDTH);
  const hashes = half(size, 2 ** (level * TILE_HEIGHT));
  return { level, index, width: Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH) };
}

/** Gives a tile's path below a database: `tile/8/0/x123/456` and `.p/12` for one not full. */
export function tilePath(tile: Tile): string {
  let rest = tile.index;
  let text = String(rest % 1000).padStart(3, '0');
  while (rest >= 1000) {
    rest = half(rest, 1000);
    text = `x${String(rest % 1000).padStart(3, '0')}/${text}`;
  }
  return `tile/${TILE_HEIGHT}/${tile.level}/${text}${tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`}`;
}

/** Takes a tile's bytes (at least as wide as the position needs); gives the hash at a position, computed from its lowest row. */
export function hashInTile(tile: Uint8Array, position: HashPosition): Buffer {
  const span = 2 ** (position.level % TILE_HEIGHT);
  const start = (position.index * span) % TILE_WIDTH;
  const read = (at: number, count: number): Buffer =>
    count === 1
      ? Buffer.from(tile.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE))
      : nodeHash(read(at, count / 2), read(at + count / 2, count / 2));
  return read(start, span);
}

/** The hash of records `low` to `high` (exclusive), from the largest complete subtrees that make it up. */
function rangeHash(low: number, high: number, read: HashReader): Buffer {
  const size = high - low;
  const level = Math.log2(size);
  if (Number.isInteger(level) && low % size === 0) return Buffer.from(read({ level, index: low / size }));
  const middle = low + splitOf(size);
  return nodeHash(rangeHash(low, middle, read), rangeHash(middle, high, read));
}

/** The largest power of two smaller than `size` (which is at least 2). */
function splitOf(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** Whole division; plain numbers, since bit operations would cut at 32 bits. */
function half(value: number, by = 2): number {
  return Math.floor(value / by);
}
