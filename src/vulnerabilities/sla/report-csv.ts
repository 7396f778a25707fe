// SPDX-License-Identifier: Apache-2.0
import type { SlaReading } from './clock.ts';
import type { SlaReport } from './report.ts';

const COLUMNS = {
  vulnerability: ({ vulnerability }) => vulnerability,
  product: ({ product }) => product,
  severity: ({ severity }) => severity,
  state: ({ state }) => state,
  disclosed: ({ disclosedAt }) => time(disclosedAt),
  detected: ({ detectedAt }) => time(detectedAt),
  fix_available: ({ fixAvailableAt }) => time(fixAvailableAt),
  clock_start: ({ startedAt }) => time(startedAt),
  due: ({ dueAt }) => time(dueAt),
  due_by: ({ dueBy }) => dueBy ?? '',
  patched: ({ patchedAt }) => time(patchedAt),
  published: ({ publishedAt }) => time(publishedAt),
  revision: ({ revision }) => revision ?? '',
  breached: ({ breachedAt }) => time(breachedAt),
  known_exploited: ({ risk }) => (risk.kev === undefined ? 'no' : 'yes'),
  forensic_triage: ({ forensic }) => (forensic ? 'yes' : 'no'),
  reason: ({ reason }) => reason,
} as const satisfies Record<string, (clock: SlaReading) => string>;

/** Gives a report's clocks as CSV (RFC 4180): a header, one clock a line, times in UTC. */
export function formatSlaCsv(report: SlaReport): string {
  const rows = report.clocks.map((clock) => Object.values(COLUMNS).map((column) => column(clock)));
  return [Object.keys(COLUMNS), ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function time(at: Date | undefined): string {
  return at?.toISOString() ?? '';
}

/** A cell that a spreadsheet would take for a formula begins with a quote mark instead. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
