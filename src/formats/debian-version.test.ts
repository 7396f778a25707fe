// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareDebianVersions, isDebianVersion } from '#formats';

/** Shared test vectors lie beside the checkout, where the machine has them. */
const VECTORS = resolve(import.meta.dirname, '../../../shared/feeds/version-order/debian-versions.txt');
const HAS_DPKG = spawnSync('dpkg', ['--version']).status === 0;

/** Asks the real dpkg about many pairs in one shell, since a process for each pair would take minutes. */
function askDpkg(pairs: readonly (readonly [string, string])[]): number[] {
  const script =
    'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo -1; elif dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi; done';
  const run = spawnSync('sh', ['-c', script], { input: pairs.map((pair) => `${pair.join(' ')}\n`).join('') });
  return run.stdout.toString().trim().split('\n').map(Number);
}

describe('the Debian version order', () => {
  test.skipIf(!existsSync(VECTORS))('agrees with the shared vectors (skipped where the folder is absent)', () => {
    let checked = 0;
    for (const line of readFileSync(VECTORS, 'utf8').split('\n')) {
      const [, a, sign, b] = /^(\S+) ([<=>]) (\S+)$/.exec(line.trim()) ?? [];
      if (a === undefined || b === undefined) continue;
      const expected = { '<': -1, '=': 0, '>': 1 }[sign as '<' | '=' | '>'];
      expect(Math.sign(compareDebianVersions(a, b)), line).toBe(expected);
      expect(Math.sign(compareDebianVersions(b, a)), `reversed: ${line}`).toBe(expected === 0 ? 0 : -expected);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(15);
  });

  test.skipIf(!HAS_DPKG)('agrees with the real dpkg on random versions', () => {
    const part = fc.stringMatching(/^[0-9a-zA-Z.+~]{0,6}$/);
    const version = fc
      .tuple(fc.option(fc.nat(3)), fc.nat(12), part, fc.option(fc.stringMatching(/^[0-9a-zA-Z.+~]{1,4}$/)))
      .map(([epoch, start, rest, revision]) => {
        return `${epoch === null ? '' : `${epoch}:`}${start}${rest}${revision === null ? '' : `-${revision}`}`;
      });
    const near = fc.tuple(version, fc.constantFrom('', '0', '~', '-0', '+b1', '.0', 'a')).chain(([a, suffix]) => {
      return fc.oneof(fc.constant([a, `${a}${suffix}`] as const), fc.tuple(fc.constant(a), version));
    });
    const pairs = fc.sample(near, { numRuns: 250, seed: 20261123 });
    expect(pairs.map(([a, b]) => Math.sign(compareDebianVersions(a, b)) + 0)).toEqual(askDpkg(pairs));
  });

  test('is a total order: antisymmetric and transitive on random versions', () => {
    const version = fc.stringMatching(/^[0-9][0-9a-z.+~-]{0,8}$/);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const [ab, bc, ac] = [compareDebianVersions(a, b), compareDebianVersions(b, c), compareDebianVersions(a, c)];
        expect(Math.sign(compareDebianVersions(b, a)) + 0).toBe(-Math.sign(ab) + 0);
        if (ab <= 0 && bc <= 0) expect(ac).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('knows what a version looks like', () => {
    for (const good of ['1', '0:1.2-3', '13.8+deb13u8', '2026f-0+deb13u1', '1~rc1-1', '1-2-3']) {
      expect(isDebianVersion(good), good).toBe(true);
    }
    for (const bad of ['', 'a1', '1-', ' 1', '1 2', '1/2', 'x:1', '1_2']) expect(isDebianVersion(bad), bad).toBe(false);
  });
});
