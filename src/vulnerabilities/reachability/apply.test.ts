// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { buildVexDocument } from '../vex/document.ts';
import { toReachabilityDecision } from '../vex/reachability-decision.ts';
import type { Finding } from '../match/finding.ts';
import { toSarif } from '../render/sarif.ts';
import { toCsv, toMarkdown } from '../render/tables.ts';
import type { Scan, ScanReport } from '../scan.ts';
import { ANALYSIS } from './__fixtures__/analysis.ts';
import { type KnownAnalysis, withReachability } from './apply.ts';
import { toReachabilityEvidence } from './evidence.ts';
import { type FindingReachability, NOT_ANALYSED } from './types.ts';

const IMAGE = digestOf('image');

function finding(advisories: readonly string[], changes: Partial<Finding['package']> = {}): Finding {
  const found = { ecosystem: 'Go', name: 'example.com/lib', version: 'v1.2.0', scope: 'image', ...changes } as const;
  const matches = advisories.map((advisory) => ({
    advisory,
    feed: advisory.startsWith('GO-') ? ('go' as const) : ('osv' as const),
    modified: undefined,
    searched: found,
    decision: { kind: 'listed', version: found.version } as unknown as Finding['matches'][number]['decision'],
    fix: undefined,
    imports: [],
    notes: {},
  }));
  return {
    id: advisories[0] ?? '',
    ids: advisories,
    summary: 'A flaw | of sorts',
    package: found,
    occurrences: [],
    fix: undefined,
    severity: { rating: 'unknown' },
    severities: [],
    published: undefined,
    modified: undefined,
    url: undefined,
    matches,
    dissent: [],
    kev: undefined,
    epss: undefined,
    reachability: NOT_ANALYSED,
  };
}

function scanOf(...findings: readonly Finding[]): Scan {
  const report: ScanReport = {
    target: 'app:v1',
    kind: 'image',
    platform: 'linux/amd64',
    digest: IMAGE,
    basis: 'made',
    packages: 1,
    findings,
    setAside: [],
    gaps: [],
    reachability: 'not analysed',
  };
  return { scannedAt: new Date('2026-08-22T00:00:00Z'), feeds: [], reports: [report] };
}

function judge(scan: Scan, known: KnownAnalysis = ANALYSIS, advisories = ANALYSIS.advisories): Scan {
  return withReachability(scan, { analyses: new Map([[IMAGE, known]]), advisories });
}

function reachabilityOf(one: Finding, advisories = ANALYSIS.advisories): FindingReachability | undefined {
  return judge(scanOf(one), ANALYSIS, advisories).reports[0]?.findings[0]?.reachability;
}

describe('a finding', () => {
  it.each([
    ['called', ['GO-2026-0001'], {}],
    ['imported', ['GO-2026-0002'], {}],
    ['required', ['GO-2026-0003'], {}],
    ['imported', ['GO-2026-0004'], { name: 'stdlib', version: '1.27.3' }],
  ] as const)('is %s where the analysis says so', (kind, ids, changes) => {
    expect(reachabilityOf(finding(ids, changes))).toMatchObject({ kind, evidence: ANALYSIS.evidence });
  });

  it("has it from the Go database's id also where another feed found the same flaw", () => {
    expect(reachabilityOf(finding(['GHSA-aaaa-bbbb-cccc', 'GO-2026-0002']))).toMatchObject({ kind: 'imported' });
    expect(reachabilityOf(finding(['GHSA-aaaa-bbbb-cccc']))).toEqual({
      kind: 'not-analysed',
      reason: 'the Go vulnerability database does not know it',
    });
  });

  it('is as near as the nearest of its advisories, and open where one of them is not known', () => {
    expect(reachabilityOf(finding(['GO-2026-0003', 'GO-2026-0002']))).toMatchObject({ kind: 'imported' });
    expect(reachabilityOf(finding(['GO-2026-0003', 'GO-2026-0001']))).toMatchObject({ kind: 'called' });
    expect(reachabilityOf(finding(['GO-2026-0003', 'GO-2026-0009']))).toMatchObject({
      kind: 'not-analysed',
      reason: expect.stringContaining('GO-2026-0009'),
    });
    const both = { ...ANALYSIS, reached: ANALYSIS.reached.filter(({ id }) => id !== 'GO-2026-0002') };
    const [report] = judge(scanOf(finding(['GO-2026-0003', 'GO-2026-0002'])), both).reports;
    expect(report?.findings[0]?.reachability.kind).toBe('not-analysed');
  });

  it('is open again when its advisory has changed since, or is of another version or kind', () => {
    const changed = { ...ANALYSIS.advisories, 'GO-2026-0002': digestOf('now with another symbol') };
    expect(reachabilityOf(finding(['GO-2026-0002']), changed)).toMatchObject({ kind: 'not-analysed' });
    expect(reachabilityOf(finding(['GO-2026-0003']), changed)).toMatchObject({ kind: 'required' });
    expect(reachabilityOf(finding(['GO-2026-0002']), {})).toMatchObject({ kind: 'not-analysed' });
    for (const other of [{ version: 'v1.1.0' }, { ecosystem: 'Debian:13' }, { scope: 'build' as const }])
      expect(reachabilityOf(finding(['GO-2026-0002'], other))).toMatchObject({ kind: 'not-analysed' });
  });

  it('says why its image was not analysed', () => {
    const [report] = judge(scanOf(finding(['GO-2026-0001'])), { reason: 'made elsewhere' }).reports;
    expect(report).toMatchObject({ reachability: 'not analysed' });
    expect(report?.findings[0]?.reachability).toEqual({ kind: 'not-analysed', reason: 'made elsewhere' });
    const untouched = scanOf(finding(['GO-2026-0001']));
    expect(withReachability(untouched, { analyses: new Map(), advisories: {} })).toEqual(untouched);
  });

  it('shows what is known in each form', () => {
    const result = judge(scanOf(finding(['GO-2026-0001']), finding(['GO-2026-0003'])));
    expect(toCsv(result)).toMatch(/,called,"example\.com\/app\.main \(example\.com\/app, main\.go:5\) -> example/);
    expect(toMarkdown(result)).toMatch(/\| called \|[^]*\| required \|[^]*Calls:\n\n- GO-2026-0001: example/);
    const sarif = JSON.stringify(toSarif(result, '1.0.0'));
    expect(sarif).toContain('"fullyQualifiedName":"example.com/lib/deep.Run","kind":"function"');
    expect(sarif).toContain('"properties":{"reachability":{"kind":"required"');
  });
});

describe('VEX from an analysis', () => {
  const database = { digests: ANALYSIS.advisories, aliases: { 'GO-2026-0002': ['CVE-2026-0002'] } };
  const statementsOf = (digests = database.digests) => {
    const decisions = toReachabilityEvidence(IMAGE, ANALYSIS, { ...database, digests }).map(toReachabilityDecision);
    const platforms = [{ platform: 'linux/amd64' as const, digest: IMAGE }];
    const image = {
      component: 'app',
      channel: 'c',
      revision: '1.0.0-r0',
      repository: 'r/app',
      index: digestOf('i'),
      platforms,
    };
    const origin = { author: 'a', namespace: 'https://example.com' };
    return buildVexDocument({ decisions, images: [image], now: new Date('2026-09-01'), origin })?.statements ?? [];
  };

  it('says "not in the execute path" of what is not called, and of nothing else', () => {
    const said = statementsOf().map(({ vulnerability, status, justification }) => [
      vulnerability.name,
      status,
      justification,
    ]);
    expect(said).toEqual([
      ['CVE-2026-0002', 'not_affected', 'vulnerable_code_not_in_execute_path'],
      ['GO-2026-0001', 'affected', undefined],
      ['GO-2026-0003', 'not_affected', 'vulnerable_code_not_in_execute_path'],
      ['GO-2026-0004', 'not_affected', 'vulnerable_code_not_in_execute_path'],
    ]);
    expect(JSON.stringify(statementsOf())).toContain(ANALYSIS.evidence);
  });

  it('says nothing of an advisory that has changed since, or is no longer there', () => {
    const { 'GO-2026-0003': _, ...fewer } = ANALYSIS.advisories;
    const said = statementsOf({ ...fewer, 'GO-2026-0002': digestOf('changed') });
    expect(said.map(({ vulnerability }) => vulnerability.name)).toEqual(['GO-2026-0001', 'GO-2026-0004']);
  });
});
