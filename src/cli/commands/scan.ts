// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import {
  describePath,
  type Finding,
  reachabilityWord,
  scan,
  type Scan,
  type ScanReport,
  toCsv,
  toMarkdown,
  toSarif,
  verdictOf,
  withReachability,
} from '#vulnerabilities';
import { EXIT_BY_SCAN_VERDICT } from '../exit-codes.ts';
import { openFeedsQuickly } from '../feed-ages.ts';
import { formatTable, plainText } from '../format.ts';
import type { RecordFlags } from '../record-scan.ts';
import { findReachability } from '../reachability.ts';
import { openTargets } from '../scan-targets.ts';
import { describeFeeds, describeRating } from '../stale-feeds.ts';
import type { World } from '../world.ts';

interface ScanFlags extends RecordFlags {
  readonly format: 'table' | 'json' | 'sarif' | 'csv' | 'markdown';
  readonly json?: boolean;
  readonly platform?: readonly string[];
  readonly feeds?: string;
  readonly plainHttp?: boolean;
  readonly reachability?: boolean;
  readonly unsandboxed?: boolean;
  readonly store: boolean;
}

/** `oakum scan`: matches targets with the feeds on disk, prints what was found, and leaves the verdict in the exit code. */
export async function scanTargets(targets: readonly string[], flags: ScanFlags, world: World): Promise<void> {
  const folder = flags.feeds === undefined ? world.stateFolder : resolve(world.workingFolder, flags.feeds);
  const feeds = await openFeedsQuickly(flags.definition, world, folder);
  const subjects = await openTargets(targets, { ...flags, world });
  const matched = await scan(subjects, { feeds, now: world.clock.now() });
  const known = flags.reachability
    ? await (await import('../analyse.ts')).runReachability({ subjects, result: matched, feeds: folder }, flags, world)
    : await findReachability(matched.reports, folder, world);
  const result = withReachability(matched, known);
  if (flags.record || flags.published) {
    const { recordScan } = await import('../record-scan.ts');
    const { events } = await recordScan(result, { flags, feeds, world });
    process.stderr.write(`oakum: ${events.length} new events in the SLA log\n`);
  }
  const form = flags.json ? 'json' : flags.format;
  const text = format(result, form, world.version);
  process.stdout.write(form === 'table' ? plainText(text) : text); // advisories are strangers' words
  process.exitCode = EXIT_BY_SCAN_VERDICT[verdictOf(result)];
  if (flags.store) await (await import('../store.ts')).leaveForStore(matched, subjects, world);
}

function format(result: Scan, how: ScanFlags['format'], version: string): string {
  if (how === 'json') return `${JSON.stringify({ verdict: verdictOf(result), ...result }, null, 2)}\n`;
  if (how === 'sarif') return `${JSON.stringify(toSarif(result, version), null, 2)}\n`;
  if (how === 'csv') return toCsv(result);
  return how === 'markdown' ? toMarkdown(result) : describe(result);
}

function describe(result: Scan): string {
  const feeds = describeFeeds(result.feeds);
  return shown([...result.reports.map(describeReport), ...(feeds === '' ? [] : [feeds])].join('\n'));
}

function describeReport(report: ScanReport): string {
  const platform = report.platform === undefined ? '' : ` (${report.platform})`;
  const head = `${report.target}${platform}: ${report.packages} packages, by ${report.basis}; reachability: ${describeAnalysis(report)}\n`;
  const header = ['FINDING', 'ALIAS', 'SEVERITY', 'PACKAGE', 'VERSION', 'FIXED IN', 'REACHED', 'SUMMARY'];
  const table =
    report.findings.length === 0
      ? ''
      : `\n${formatTable(header, report.findings.map(toRow)).replace(/^/gm, '  ').trimEnd()}\n`;
  const gaps = report.gaps.map(({ what, reason }) => `  ${what}: ${reason}\n`);
  const aside = report.setAside.length === 0 ? '' : `\n  ${report.setAside.length} more set aside; --json says why\n`;
  return `${head}${table}${describeCalls(report)}${aside}\n  ${summarise(report)}\n${gaps.length === 0 ? '' : `\nNot checked:\n${gaps.join('')}`}`;
}

function describeAnalysis({ reachability, analysis, findings }: ScanReport): string {
  if (analysis !== undefined) return `${analysis.tool}, Go database of ${analysis.database.slice(0, 10)}`;
  const reasons = findings.map((finding) => ('reason' in finding.reachability ? finding.reachability.reason : ''));
  const [reason = ''] = new Set(reasons); // where no image is analysed all its findings share one
  return reason === '' ? reachability : `${reachability}: ${reason}`;
}

/** Where the vulnerable code is called from. */
function describeCalls({ findings }: ScanReport): string {
  const calls = findings.flatMap(({ id, reachability }) =>
    reachability.kind === 'called' ? [`    ${id}: ${describePath(reachability.path)}\n`] : [],
  );
  return calls.length === 0 ? '' : `\n  Called:\n${calls.join('')}`;
}

function summarise({ findings, gaps }: ScanReport): string {
  const inside = findings.filter((finding) => finding.package.scope === 'image').length;
  const build = findings.length - inside;
  const beside = build === 0 ? '' : `; ${build} of what built it`;
  const found = inside === 0 ? 'no findings' : `${inside} finding${inside === 1 ? '' : 's'}`;
  return `${found}${beside}${gaps.length === 0 ? '' : '; not everything could be checked'}`;
}

function toRow(finding: Finding): readonly string[] {
  const { package: found } = finding;
  const alias = finding.ids.find((id) => id.startsWith('CVE-') && id !== finding.id) ?? finding.ids[1] ?? '-';
  return [
    finding.id,
    alias,
    describeRating(finding),
    found.scope === 'build' ? `${found.name} (build)` : found.name,
    found.version,
    finding.fix ?? '-',
    reachabilityWord(finding.reachability),
    finding.summary.length > 60 ? `${finding.summary.slice(0, 59)}...` : finding.summary,
  ];
}

/** What strangers wrote must not steer the terminal. */
function shown(text: string): string {
  return text.replace(/(?!\n)\p{Cc}/gu, '?');
}
