// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type Finding, indexAdvisories, matchPackages, modulePackage, toAdvisory } from '#vulnerabilities';
import { findFloors, type FloorReading } from './floors.ts';

/** `events` are `introduced`, `fixed`, `introduced` ... versions in turn. */
function advisory(id: string, path: string, events: readonly string[], more: object = {}) {
  const kinds = ['introduced', 'fixed'] as const;
  return toAdvisory({
    id,
    affected: [
      {
        package: { ecosystem: 'Go', name: path },
        ranges: [{ type: 'SEMVER', events: events.map((version, at) => ({ [kinds[at % 2] ?? '']: version })) }],
      },
    ],
    ...more,
  });
}

function floorsOf(module: string, advisories: readonly ReturnType<typeof advisory>[]): FloorReading {
  const [path = '', version = ''] = module.split('@');
  const { findings } = matchPackages([modulePackage({ path, version })], indexAdvisories(advisories));
  return findFloors(findings, advisories);
}

const reasons = ({ staying }: FloorReading) => Object.fromEntries(staying.map((one) => [one.id, one.reason]));

describe('floors', () => {
  it('are the least version that fixes all findings of a module', () => {
    const reading = floorsOf('a.test/a@v1.0.0', [
      advisory('GO-1', 'a.test/a', ['0', '1.0.5']),
      advisory('GO-2', 'a.test/a', ['0', '1.2.0']),
      advisory('GO-3', 'a.test/a', ['0', '0.9.0']),
    ]);
    expect(reading).toEqual({
      floors: [{ path: 'a.test/a', version: 'v1.2.0', from: 'v1.0.0', findings: ['GO-1', 'GO-2'] }],
      staying: [],
    });
  });

  it('pass over a fix that lies in the range of another advisory', () => {
    const { floors } = floorsOf('a.test/a@v1.0.0', [
      advisory('GO-1', 'a.test/a', ['0', '1.1.0']),
      advisory('GO-2', 'a.test/a', ['1.1.0', '1.3.0']),
    ]);
    expect(floors.map((one) => one.version)).toEqual(['v1.3.0']);
  });

  it('take the fix of the present branch where a flaw was fixed in several', () => {
    const { floors } = floorsOf('a.test/a@v1.1.3', [advisory('GO-1', 'a.test/a', ['0', '1.0.9', '1.1.0', '1.1.7'])]);
    expect(floors.map((one) => one.version)).toEqual(['v1.1.7']);
  });

  it('never cross a major version, and say where the fix is', () => {
    const reading = floorsOf('a.test/a@v0.9.0', [advisory('GO-1', 'a.test/a', ['0', '1.0.0'])]);
    expect(reading.floors).toEqual([]);
    expect(reasons(reading)).toEqual({ 'GO-1': 'it is fixed in v1.0.0 only, another major version' });
  });

  it('leave what has no fix, beside what has one', () => {
    const reading = floorsOf('a.test/a@v1.0.0', [
      advisory('GO-1', 'a.test/a', ['0']),
      advisory('GO-2', 'a.test/a', ['0', '1.0.1']),
    ]);
    expect(reading.floors).toMatchObject([{ version: 'v1.0.1', findings: ['GO-2'] }]);
    expect(reasons(reading)).toEqual({ 'GO-1': 'no fix is known' });
  });

  it('fix the most where no version fixes all, and say so of the rest', () => {
    const reading = floorsOf('a.test/a@v1.0.0', [
      advisory('GO-1', 'a.test/a', ['0', '1.1.0']),
      advisory('GO-2', 'a.test/a', ['0', '1.0.1', '1.1.0']), // came back in 1.1.0
      advisory('GO-3', 'a.test/a', ['0', '1.1.0']),
    ]);
    expect(reading.floors).toMatchObject([{ version: 'v1.1.0', findings: ['GO-1', 'GO-3'] }]);
    expect(reasons(reading)['GO-2']).toBe(
      'what fixes it leaves more open: no version fixes it together with GO-1, GO-3',
    );
  });

  it('do not count withdrawn advisories', () => {
    const { floors } = floorsOf('a.test/a@v1.0.0', [
      advisory('GO-1', 'a.test/a', ['0', '1.0.1']),
      advisory('GO-2', 'a.test/a', ['0', '1.9.0'], { withdrawn: '2026-01-01T00:00:00Z' }),
    ]);
    expect(floors.map((one) => one.version)).toEqual(['v1.0.1']);
  });

  it('write +incompatible where Go does', () => {
    const { floors } = floorsOf('a.test/a@v2.1.0+incompatible', [advisory('GO-1', 'a.test/a', ['0', '2.3.0'])]);
    expect(floors.map((one) => one.version)).toEqual(['v2.3.0+incompatible']);
  });

  it("are none for Go's own parts, which the toolchain fixes", () => {
    const findings = [{ package: { ecosystem: 'Go', name: 'stdlib', version: '1.27.3', scope: 'image' } }] as Finding[];
    expect(findFloors(findings, [])).toEqual({ floors: [], staying: [] });
  });
});
