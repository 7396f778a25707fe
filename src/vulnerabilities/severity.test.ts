// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rateSeverity, readSeverities } from '#vulnerabilities';

const read = (...vectors: readonly string[]) =>
  readSeverities(
    vectors.map((score) => ({ type: 'CVSS_V3', score })),
    { source: 'GHSA-1' },
  );
const V31 = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
const V40 = 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N';

describe('severities', () => {
  // Scores from the examples and calculators of FIRST.
  test.each([
    [V31, 9.8, 'critical'],
    ['CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N', 6.4, 'medium'],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N', 0, 'none'],
    ['CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N', 3.1, 'low'],
    ['CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:H/E:U/RL:O/RC:C', 7.4, 'high'],
    ['CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 7.7, 'high'],
    ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U', 9.3, 'critical'],
    ['AV:N/AC:L/Au:N/C:P/I:P/A:P', 7.5, 'high'],
  ])('score %s', (vector, score, rating) => {
    expect(read(vector)).toMatchObject([{ kind: 'cvss', vector, score, rating, source: 'GHSA-1' }]);
  });

  test.each([
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H', 'lacks A'],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:X', 'no value'],
    [`${V31}/AV:N`, 'twice'],
    [`${V31}/XX:N`, 'no metric'],
    ['CVSS:3.2/AV:N', 'version'],
    ['CVSS:4.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 'no value'],
    ['9.8', 'no metric'],
    ['', 'no metric'],
    [`CVSS:3.1/${'AV:N/'.repeat(1000)}`, 'longer'],
  ])('do not score %s', (vector, reason) => {
    expect(read(vector)).toMatchObject([{ kind: 'invalid', reason: expect.stringContaining(reason) }]);
    expect(rateSeverity(read(vector))).toEqual({ rating: 'unknown' });
  });

  test('stand side by side, and the policy says which counts', () => {
    const both = read(V40, V31);
    expect(both.map((one) => one.kind === 'cvss' && one.version)).toEqual(['4.0', '3.1']);
    expect(rateSeverity(both)).toMatchObject({ score: 9.8, by: { version: '3.1', vector: V31 } });
    expect(rateSeverity(both, { versions: ['4.0'], sources: [] })).toMatchObject({ rating: 'medium', score: 6.9 });
    expect(rateSeverity(read(V31), { versions: ['4.0'], sources: [] })).toEqual({ rating: 'unknown' });
  });

  test('of one version count by source, then by height', () => {
    const of = (source: string, vector: string) => readSeverities([{ type: 'CVSS_V3', score: vector }], { source });
    const low = 'CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N';
    const all = [...of('GHSA-1', low), ...of('CVE-1', V31)];
    expect(rateSeverity(all).by?.source).toBe('CVE-1');
    expect(rateSeverity(all, { versions: ['3.1'], sources: ['GHSA-'] }).by?.source).toBe('GHSA-1');
  });

  test('in words are kept and count for nothing', () => {
    const words = readSeverities([{ type: 'Ubuntu', score: 'high' }], { source: 'U-1', word: 'HIGH' });
    expect(words).toEqual([
      { kind: 'word', source: 'U-1', word: 'Ubuntu: high' },
      { kind: 'word', source: 'U-1', word: 'HIGH' },
    ]);
    expect(rateSeverity(words)).toEqual({ rating: 'unknown' });
    expect(rateSeverity([])).toEqual({ rating: 'unknown' });
  });

  test('survive any text', () => {
    const piece = fc.oneof(
      fc.constantFrom(...V31.split('/'), ...V40.split('/'), 'CVSS:9.9', '__proto__:N'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const [severity] = read(pieces.join('/'));
        if (severity?.kind === 'cvss') expect(severity.score).toBeGreaterThanOrEqual(0);
        else expect(severity?.kind).toBe('invalid');
      }),
    );
  });
});
