// SPDX-License-Identifier: Apache-2.0
import { markdownTable, markdownText } from '#formats';
import type { Finding } from '../match/finding.ts';
import { describePath, reachabilityWord } from '../reachability/describe.ts';
import type { Scan, ScanReport } from '../scan.ts';
import { webAddress } from './web-address.ts';

const COLUMNS = [
  'target',
  'platform',
  'id',
  'aliases',
  'severity',
  'score',
  'ecosystem',
  'package',
  'version',
  'fixed',
  'scope',
  'kev',
  'epss',
  'reachability',
  'path',
  'published',
  'summary',
] as const;

/** Says what was decided about a finding: its state, and why. */
export type StateOf = (finding: Finding) => { readonly state: string; readonly reason?: string | undefined };

/**
 * Gives a scan as CSV (RFC 4180) with a header: a row per finding, and one per gap with `not checked` as its id. Where what was
 * decided is known, two columns tell it.
 */
export function toCsv({ reports }: Scan, stateOf?: StateOf): string {
  const decided = (finding: Finding) => {
    const found = stateOf?.(finding);
    return found === undefined ? [] : [found.state, found.reason ?? ''];
  };
  const rows = reports.flatMap((report) => [
    ...report.findings.map((finding) => [...findingRow(report, finding), ...decided(finding)]),
    ...report.gaps.map(({ what, reason }) => gapRow(report, `${what}: ${reason}`)),
  ]);
  return [[...COLUMNS, ...(stateOf === undefined ? [] : ['state', 'reason'])], ...rows]
    .map((row) => `${row.map(csvCell).join(',')}\r\n`)
    .join('');
}

function findingRow(report: ScanReport, finding: Finding): readonly string[] {
  const { severity, package: found } = finding;
  return [
    report.target,
    report.platform ?? '',
    finding.id,
    finding.ids.slice(1).join(' '),
    severity.rating,
    severity.score?.toFixed(1) ?? '',
    found.ecosystem,
    found.name,
    found.version,
    finding.fix ?? '',
    found.scope,
    finding.kev === undefined ? '' : finding.kev.dateAdded,
    finding.epss === undefined ? '' : String(finding.epss.score),
    reachabilityWord(finding.reachability),
    finding.reachability.kind === 'called' ? describePath(finding.reachability.path) : '',
    finding.published ?? '',
    finding.summary,
  ];
}

function gapRow(report: ScanReport, text: string): readonly string[] {
  return COLUMNS.map((column) => {
    if (column === 'target') return report.target;
    if (column === 'platform') return report.platform ?? '';
    if (column === 'id') return 'not checked';
    return column === 'summary' ? text : '';
  });
}

/** Spreadsheets run what begins with one of `=+-@`: a stranger's text gets an apostrophe before it (OWASP, CSV injection). */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Gives a scan as Markdown: a table of findings per target, and what could not be checked. */
export function toMarkdown({ reports }: Scan): string {
  return reports.map(reportMarkdown).join('\n');
}

function reportMarkdown(report: ScanReport): string {
  const platform = report.platform === undefined ? '' : ` (${report.platform})`;
  const rows = report.findings.map((finding) => [
    linkTo(finding),
    finding.severity.score === undefined
      ? finding.severity.rating
      : `${finding.severity.rating} ${finding.severity.score.toFixed(1)}`,
    `${markdownText(finding.package.name)} ${markdownText(finding.package.version)}`,
    markdownText(finding.fix ?? 'none known'),
    reachabilityWord(finding.reachability),
    markdownText(finding.summary),
  ]);
  const header = ['finding', 'severity', 'package', 'fixed in', 'reachability', 'summary'];
  return [
    `## ${markdownText(report.target)}${platform}\n`,
    rows.length === 0 ? 'No findings.\n' : markdownTable(header, rows),
    ...pathsOf(report),
    ...(report.gaps.length === 0
      ? []
      : [
          `Not checked:\n\n${report.gaps.map(({ what, reason }) => `- ${markdownText(what)}: ${markdownText(reason)}`).join('\n')}\n`,
        ]),
  ].join('\n');
}

/** The call paths, where there are any. */
function pathsOf({ findings }: ScanReport): readonly string[] {
  const called = findings.flatMap(({ id, reachability }) =>
    reachability.kind === 'called' ? [`- ${markdownText(id)}: ${markdownText(describePath(reachability.path))}`] : [],
  );
  return called.length === 0 ? [] : [`Calls:\n\n${called.join('\n')}\n`];
}

function linkTo({ id, url }: Finding): string {
  const target = webAddress(url);
  return target === undefined
    ? markdownText(id)
    : `[${markdownText(id)}](${target.replace(/[()|]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)})`;
}
