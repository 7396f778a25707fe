// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { hour, published } from './__fixtures__/events.ts';
import { readSla } from './clock.ts';
import { eventSchema, type SlaEvent } from './events.ts';
import { observeFindings, type ObservedFinding, observePublication } from './observe.ts';
import { SLA_POLICIES } from './policy.ts';

const FOUND = SLA_POLICIES['from-identification'];
const seen = (more: Partial<ObservedFinding> = {}): ObservedFinding => ({
  vulnerability: 'CVE-2026-0001',
  product: '2.9/distroless/source-controller',
  severity: 'critical',
  risk: {},
  state: 'open',
  ...more,
});

/** Scans at several hours, one after another; gives the events of each. */
function scans(...steps: readonly (readonly [number, readonly ObservedFinding[]])[]): readonly (readonly SlaEvent[])[] {
  const all: SlaEvent[] = [];
  return steps.map(([at, findings]) => {
    const events = observeFindings(all, findings, hour(at));
    all.push(...events);
    expect(events.every((one) => eventSchema.safeParse(one).success)).toBe(true);
    return events;
  });
}

const kinds = (lists: readonly (readonly SlaEvent[])[]) => lists.map((list) => list.map(({ kind }) => kind));

describe('a scan', () => {
  it('notes what it sees for the first time, and nothing when it sees it again', () => {
    const full = seen({ disclosed: hour(-5), fix: { version: 'v1.2.3', since: hour(-2) }, risk: { kev: {} } });
    expect(kinds(scans([0, [full]], [1, [full]]))).toEqual([['disclosed', 'detected', 'fix-available'], []]);
  });

  it('notes a new score, new risk, a fix and every change of mind', () => {
    const lists = scans(
      [0, [seen()]],
      [1, [seen({ severity: 'high' })]],
      [2, [seen({ severity: 'high', risk: { kev: { due: '2026-08-20' } } })]],
      [3, [seen({ severity: 'high', risk: { kev: { due: '2026-08-20' } }, fix: { version: 'v2' } })]],
      [4, [seen({ severity: 'high', risk: { kev: { due: '2026-08-20' } }, state: 'not_affected', reason: 'so' })]],
      [5, [seen({ severity: 'high', risk: { kev: { due: '2026-08-20' } } })]],
    );
    expect(kinds(lists)).toEqual([
      ['detected'],
      ['rescored'],
      ['rescored'],
      ['fix-available'],
      ['assessed'],
      ['assessed'],
    ]);
    expect(readSla(FOUND, lists.flat(), hour(6)).state).toBe('running');
  });

  it('is as open as the worst of several packages and platforms', () => {
    const [events = []] = scans([0, [seen({ state: 'not_affected', reason: 'so' }), seen()]]);
    expect(kinds([events])).toEqual([['detected']]);
  });

  it('goes on with the clock of another name of the same vulnerability', () => {
    const renamed = seen({ vulnerability: 'CVE-2026-0001', aliases: ['GO-2026-0001'] });
    expect(kinds(scans([0, [seen({ vulnerability: 'GO-2026-0001' })]], [1, [renamed]]))).toEqual([['detected'], []]);
  });

  it('of a published revision stops the clocks of its product that are open and gone from it', () => {
    const [events = []] = scans([
      0,
      [seen(), seen({ vulnerability: 'CVE-2026-0002' }), seen({ product: '2.8/distroless/source-controller' })],
    ]);
    const publication = {
      product: '2.9/distroless/source-controller',
      revision: '2.9.2-r1',
      remaining: new Set(['CVE-2026-0002']),
    };
    const stopped = observePublication(events, publication, hour(10));
    expect(stopped).toEqual([published(10)]);
    expect(observePublication([...events, ...stopped], publication, hour(11))).toEqual([]);
  });

  it('reopens what is found again after a fix was published', () => {
    const [first = []] = scans([0, [seen()]]);
    const again = observeFindings([...first, published(10)], [seen()], hour(20));
    expect(kinds([again])).toEqual([['reopened']]);
  });
});
