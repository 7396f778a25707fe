// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareAlpineVersions, isAlpineVersion } from '#formats';

/** Shared test vectors lie beside the checkout, where the machine has them. */
const VECTORS = resolve(import.meta.dirname, '../../../shared/feeds/version-order/alpine-versions.txt');
const SIGNS: Readonly<Record<string, number>> = { '<': -1, '=': 0, '>': 1 };

/** The rules of apk-tools 3, one line each. */
const RULES = [
  '1.2 < 1.10',
  '1.02 < 1.1',
  '1.010 < 1.02',
  '1.2 < 1.2.0',
  '1.2a < 1.2.0',
  '1.2a < 1.2b',
  '1.2_alpha < 1.2_beta',
  '1.2_rc9 < 1.2',
  '1.2_rc1 < 1.2_rc1_p1',
  '1.2_rc1 < 1.2_rc_p1',
  '1.2 < 1.2_git20240101',
  '1.2_hg9 < 1.2_p1',
  '1.2_p1 < 1.2.1',
  '1.2-r1 < 1.2_p1-r0',
  '1.2-r9 < 1.2-r10',
  '1.2 < 1.2-r0',
  '1.2-r9 < 1.2~abc123',
  '1.2~abc123 < 1.2~abc124',
  '1.2.2_pre2-r0 < 1.2.2-r0',
  '99999999999999999999999 < 100000000000000000000000',
];

function check(line: string): boolean {
  const [, a, sign, b] = /^(\S+) ([<=>]) (\S+)$/.exec(line.trim()) ?? [];
  if (a === undefined || b === undefined) return false;
  const expected = SIGNS[sign ?? ''] ?? 0;
  expect(Math.sign(compareAlpineVersions(a, b)), line).toBe(expected);
  expect(Math.sign(compareAlpineVersions(b, a)) + 0, `reversed: ${line}`).toBe(-expected + 0);
  return true;
}

describe('the Alpine version order', () => {
  test.skipIf(!existsSync(VECTORS))('agrees with the shared vectors (skipped where the folder is absent)', () => {
    const checked = readFileSync(VECTORS, 'utf8').split('\n').filter(check).length;
    expect(checked).toBeGreaterThan(700);
  });

  test.each(RULES)('says %s', (line) => {
    expect(check(line)).toBe(true);
  });

  test('is a total order: antisymmetric and transitive, on versions and on other texts', () => {
    const version = fc
      .tuple(
        fc.stringMatching(/^\d{1,2}(?:\.\d{1,2}){0,2}[ab]?$/),
        fc.stringMatching(/^(?:_(?:alpha|rc|git|p)\d?){0,2}$/),
        fc.stringMatching(/^(?:~[0-9a-f]{1,2})?(?:-r\d{1,2})?$/),
      )
      .map((parts) => parts.join(''));
    const any = fc.oneof({ weight: 3, arbitrary: version }, fc.stringMatching(/^[0-9a-z._~-]{0,6}$/), fc.string());
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        const [ab, bc, ac] = [compareAlpineVersions(a, b), compareAlpineVersions(b, c), compareAlpineVersions(a, c)];
        expect(compareAlpineVersions(a, a)).toBe(0);
        expect(Math.sign(compareAlpineVersions(b, a)) + 0).toBe(-Math.sign(ab) + 0);
        if (ab <= 0 && bc <= 0) expect(ac).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  test('knows what a version looks like', () => {
    for (const text of ['1', '1.37.0-r27', '1.2.2_pre2-r0', '3.5.4-r0', '1.0.2u-r0', '2.1_git20240101~a1b2c3-r1'])
      expect(isAlpineVersion(text), text).toBe(true);
    for (const text of ['', 'a', '1.', '1..2', '1.2-1', '1.2_foo', '1.2-r', '1.2 ', '1.2A', '1-r1-r2'])
      expect(isAlpineVersion(text), text).toBe(false);
  });

  test('takes hostile texts in linear time', () => {
    expect(compareAlpineVersions('1.'.repeat(50_000), `${'1.'.repeat(50_000)}x`)).not.toBe(0);
    expect(compareAlpineVersions(`1${'.'.repeat(100_000)}x`, '1')).not.toBe(0);
    expect(isAlpineVersion(`1${'_p'.repeat(50_000)}!`)).toBe(false);
  });
});
