// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  consistencyProof,
  type HashPosition,
  hashInTile,
  inclusionProof,
  nodeHash,
  recordHash,
  tileOf,
  tilePath,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './transparency-log.ts';

// The seven leaves and the roots that RFC 6962's reference implementation tests with (google/certificate-transparency,
// merkle_tree_test.cc, Apache-2.0).
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => Buffer.from(hex, 'hex'),
);
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

function readerOf(leaves: readonly Buffer[]) {
  const read = ({ level, index }: HashPosition): Buffer =>
    level === 0
      ? recordHash(leaves[index] ?? '')
      : nodeHash(read({ level: level - 1, index: index * 2 }), read({ level: level - 1, index: index * 2 + 1 }));
  return read;
}

describe('the transparency log', () => {
  it("gives the reference implementation's roots", () => {
    for (const [index, root] of ROOTS.entries()) {
      expect(treeRoot(index + 1, readerOf(LEAVES)).toString('hex')).toBe(root);
    }
    expect(treeRoot(0, readerOf([])).toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  it('proves each record of each tree up to 40 records, and no other record or place', () => {
    const leaves = Array.from({ length: 40 }, (_, index) => Buffer.from(`record ${index}`));
    const read = readerOf(leaves);
    for (let size = 1; size <= leaves.length; size += 1) {
      const tree = { size, root: treeRoot(size, read) };
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(size, index, read);
        const leaf = recordHash(leaves[index] ?? '');
        expect(verifyInclusion(tree, index, leaf, proof)).toBe(true);
        expect(verifyInclusion(tree, index, recordHash('other'), proof)).toBe(false);
        expect(verifyInclusion(tree, index + 1, leaf, proof)).toBe(false);
        expect(verifyInclusion(tree, index, leaf, [...proof, leaf])).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(tree, index, leaf, proof.slice(1))).toBe(false);
      }
    }
  });

  it('proves that each smaller tree is a prefix, and that a forked one is not', () => {
    const leaves = Array.from({ length: 33 }, (_, index) => Buffer.from(`record ${index}`));
    const read = readerOf(leaves);
    const forked = readerOf([Buffer.from('another first record'), ...leaves.slice(1)]);
    for (let size = 1; size <= leaves.length; size += 1) {
      const tree = { size, root: treeRoot(size, read) };
      for (let old = 1; old <= size; old += 1) {
        const proof = consistencyProof(size, old, read);
        expect(verifyConsistency(tree, { size: old, root: treeRoot(old, read) }, proof), `${old} in ${size}`).toBe(
          true,
        );
        const fork = { size: old, root: treeRoot(old, forked) };
        expect(verifyConsistency(tree, fork, proof), `fork ${old} in ${size}`).toBe(false);
        expect(verifyConsistency(tree, fork, consistencyProof(size, old, forked))).toBe(false);
      }
    }
    expect(verifyConsistency({ size: 1, root: LEAVES[0] as Buffer }, { size: 2, root: LEAVES[0] as Buffer }, [])).toBe(
      false,
    );
  });

  it('finds hashes in tiles, full and partial, beyond 32 bits too', () => {
    expect(tilePath(tileOf({ level: 0, index: 5 }, 300))).toBe('tile/8/0/000');
    expect(tilePath(tileOf({ level: 0, index: 299 }, 300))).toBe('tile/8/0/001.p/44');
    expect(tilePath(tileOf({ level: 9, index: 0 }, 70_000))).toBe('tile/8/1/000');
    expect(tilePath(tileOf({ level: 0, index: 71_999_283 }, 71_999_284))).toBe('tile/8/0/x281/247.p/52');
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/8/0/x001/x234/067');
    expect(tilePath(tileOf({ level: 0, index: 2 ** 40 }, 2 ** 41))).toBe('tile/8/0/x004/x294/x967/296');
    const leaves = Array.from({ length: 256 }, (_, index) => recordHash(String(index)));
    const read = readerOf(Array.from({ length: 256 }, (_, index) => Buffer.from(String(index))));
    expect(hashInTile(Buffer.concat(leaves), { level: 3, index: 7 })).toEqual(read({ level: 3, index: 7 }));
  });
});
