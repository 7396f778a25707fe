// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, toAdvisory, VulnerabilityError } from '#vulnerabilities';

/** A record as GitHub's advisory database has them. */
const GHSA = {
  schema_version: '1.4.0',
  id: 'GHSA-aaaa-bbbb-cccc',
  modified: '2026-07-01T00:00:00Z',
  published: '2026-06-30T00:00:00Z',
  aliases: ['CVE-2026-12345'],
  summary: 'A flaw',
  details: 'Long\ntext',
  severity: [
    { type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H' },
    { type: 'CVSS_V4', score: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N' },
  ],
  affected: [
    {
      package: { ecosystem: 'Go', name: 'github.com/fluxcd/kustomize-controller' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { last_affected: '0.22.0' }] }],
    },
    {
      package: { ecosystem: 'Go', name: 'github.com/fluxcd/flux2', purl: 'pkg:golang/github.com/fluxcd/flux2' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0.1.0' }, { fixed: '0.29.0' }] }],
    },
  ],
  references: [{ type: 'WEB', url: 'https://example.com' }],
  database_specific: { severity: 'HIGH', cwe_ids: ['CWE-22'], github_reviewed: true },
};

const code = (value: unknown) => {
  try {
    toAdvisory(value);
  } catch (error) {
    return error instanceof VulnerabilityError ? error.code : error;
  }
  return 'read';
};

describe('an advisory', () => {
  test('is read with all its vectors, entries and names', () => {
    const advisory = toAdvisory(GHSA);
    expect(advisory).toMatchObject({
      id: GHSA.id,
      aliases: ['CVE-2026-12345'],
      summary: 'A flaw',
      withdrawn: undefined,
    });
    expect(advisory.severities.map((one) => (one.kind === 'cvss' ? [one.version, one.score] : one.kind))).toEqual([
      ['3.1', 7.5],
      ['4.0', 6.9],
      'word',
    ]);
    const [first, second] = advisory.affected;
    expect([first, second].map((one) => one && evaluate(one, 'v0.28.0').kind)).toEqual(['unaffected', 'affected']);
    expect(first && evaluate(first, 'v0.22.0').kind).toBe('affected');
  });

  test('is refused where it is none, with what is wrong', () => {
    for (const value of [
      null,
      5,
      'x',
      [],
      {},
      { id: 5 },
      { id: '' },
      { id: 'X', affected: {} },
      { ...GHSA, aliases: [1] },
    ])
      expect(code(value), JSON.stringify(value)).toBe('ADVISORY_INVALID');
    expect(code({ id: 'X', affected: Array.from({ length: 10_001 }, () => ({})) })).toBe('ADVISORY_INVALID');
  });

  test('with null where a list may be is read as without', () => {
    const bare = { aliases: null, upstream: null, affected: null, severity: null, references: null };
    expect(toAdvisory({ id: 'X', ...bare })).toMatchObject({ aliases: [], affected: [], severities: [] });
  });

  test('never makes the reader fail otherwise, nor says "unaffected" of a range it cannot read', () => {
    const version = fc.oneof(fc.constantFrom('0', '*', '1.0.0', 'v1', '1', '', 'x'), fc.string());
    const event = fc.record(
      { introduced: version, fixed: version, last_affected: version, limit: version, other: version },
      { requiredKeys: [] },
    );
    const range = fc.record({ type: fc.constantFrom('SEMVER', 'ECOSYSTEM', 'GIT', 'X'), events: fc.array(event) });
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 3 }),
        fc.constantFrom('Go', 'Debian:13', 'Alpine:v3.23', 'npm'),
        (ranges, ecosystem) => {
          const { affected } = toAdvisory({ id: 'X', affected: [{ package: { ecosystem, name: 'p' }, ranges }] });
          const [entry] = affected;
          if (entry === undefined) throw new Error('the entry is lost');
          const { kind } = evaluate(entry, '1.2.3');
          const readable = ranges.filter((one) => one.type !== 'GIT').length;
          if (kind === 'unaffected') expect(entry.ranges).toHaveLength(readable);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
