// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { detected, event, hour, published } from './__fixtures__/events.ts';
import type { SlaEvent } from './events.ts';
import { SLA_POLICIES } from './policy.ts';
import { reportSla } from './report.ts';
import { formatSlaCsv } from './report-csv.ts';
import { formatSlaHtml } from './report-html.ts';

const POLICY = SLA_POLICIES['from-identification'];
const of = (product: string, ...events: readonly SlaEvent[]) => events.map((one) => ({ ...one, product }));

/** Ten fixed after 1 to 10 hours, one late, one open, one excused, one that waits for nothing. */
const EVENTS = [
  ...Array.from({ length: 10 }, (_, index) => of(`fixed ${index}`, detected(), published(index + 1))).flat(),
  ...of('=late', detected(), published(100)),
  ...of('open', detected(90)),
  ...of('excused', detected(), event('assessed', 5, { status: 'not_affected', reason: 'so' })),
  ...of(
    '<script>alert(1)</script>',
    detected(0, 'low'),
    event('assessed', 9, { status: 'affected', reason: '=HYPERLINK("x")' }),
  ),
].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
const RANGE = { from: hour(0), to: hour(110) };

describe('an SLA report', () => {
  it('counts clocks, breaches and times to fix', () => {
    const report = reportSla(POLICY, EVENTS, RANGE);
    expect(report.counts).toEqual({
      waiting: 0,
      running: 2,
      'at-risk': 0,
      breached: 0,
      met: 10,
      missed: 1,
      excused: 1,
    });
    expect(report.metPercent).toBe(90.9);
    expect(report.breaches.map(({ product }) => product)).toEqual(['=late']);
    expect(report.timeToFix[0]).toEqual({ severity: 'critical', fixed: 11, p50: 6, p90: 10 });
  });

  it('says which open findings will breach, and when, the first one first', () => {
    expect(reportSla(POLICY, EVENTS, RANGE).forecast.map(({ product, hoursLeft }) => [product, hoursLeft])).toEqual([
      ['open', 52],
      ['<script>alert(1)</script>', 58],
    ]);
  });

  it('is the same of a past time, whatever came after', () => {
    const past = { from: hour(0), to: hour(50) };
    const then = EVENTS.filter(({ at }) => new Date(at) <= hour(50));
    expect(reportSla(POLICY, EVENTS, past)).toEqual(reportSla(POLICY, then, past));
  });

  it('leaves out what was over before it begins', () => {
    const { clocks } = reportSla(POLICY, EVENTS, { from: hour(50), to: hour(110) });
    expect(clocks.map(({ product }) => product)).toEqual(['<script>alert(1)</script>', '=late', 'open']);
  });

  it('is a page without script, network or markup from outside', () => {
    const html = formatSlaHtml(reportSla(POLICY, EVENTS, RANGE), { title: 'A & B', provenance: ['log <x>'] });
    expect(html).toContain('<title>A &amp; B</title>');
    expect(html).not.toMatch(/<script|https?:|src=|log <x>/);
    expect(html.match(/<tr>/g)?.length).toBe(html.match(/<\/tr>/g)?.length);
    expect(html).toContain('@media print');
  });

  it('is a table that no spreadsheet takes for formulas', () => {
    const rows = formatSlaCsv(reportSla(POLICY, EVENTS, RANGE))
      .trimEnd()
      .split('\r\n');
    expect(rows).toHaveLength(15);
    expect(rows.find((row) => row.includes('late'))).toMatch(/,'=late,/);
    expect(rows.find((row) => row.includes('HYPERLINK'))).toMatch(
      /"no upstream fix is known \(=HYPERLINK\(""x""\)\)"$/,
    );
  });
});
