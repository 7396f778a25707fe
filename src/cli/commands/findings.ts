// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import type { StoredReport } from '#store';
import {
  formatOpenVex,
  RATINGS,
  type Rating,
  reachabilityWord,
  type Scan,
  type StateOf,
  toCsv,
  toMarkdown,
  toSarif,
} from '#vulnerabilities';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { openFeedsQuickly } from '../feed-ages.ts';
import { formatTable, plainText } from '../format.ts';
import { type FindingState, type JudgedFinding, type JudgedStore, readJudgedStore } from '../judged-findings.ts';
import { describeFeeds, describeRating } from '../stale-feeds.ts';
import type { VexFlags } from '../vex-decisions.ts';
import type { World } from '../world.ts';

/** Flags of `oakum findings`. */
export interface FindingsFlags extends VexFlags {
  readonly line?: string;
  readonly revision?: string;
  readonly component?: readonly string[];
  readonly channel?: readonly string[];
  readonly platform?: readonly string[];
  readonly severity?: readonly string[];
  readonly state: 'open' | 'fixed' | 'not_affected' | 'accepted' | 'all';
  readonly format: 'table' | 'json' | 'sarif' | 'csv' | 'openvex' | 'markdown';
  readonly json?: boolean;
}

/** `oakum findings`: shows what the store knows, judged as of now. */
export async function showFindings(flags: FindingsFlags, world: World): Promise<void> {
  const severities = ratingsOf(flags.severity);
  const feeds = await openFeedsQuickly(flags.definition, world);
  const { line, revision, component: components, channel: channels, platform: platforms } = flags;
  const judged = await readJudgedStore({ line, revision, components, channels, platforms }, { flags, feeds, world });
  if ((line ?? revision) !== undefined && judged.images.length === 0)
    throw new OakumError(
      'usage',
      'REVISION_UNKNOWN',
      'no image was scanned of this line or revision, with these components and channels',
      {
        where: line ?? revision ?? '',
        hint: 'Scan its images first; `oakum findings --json` tells the component, channel and revision of all that was.',
      },
    );
  const chosen = judged.findings.filter(
    ({ finding, state }) =>
      isShown(flags.state, state) && (severities === undefined || severities.has(finding.severity.rating)),
  );
  if (flags.format === 'openvex' && flags.json !== true) writeOpenVex(judged);
  else process.stdout.write(format(judged, chosen, { how: flags.json ? 'json' : flags.format, world }));
}

/** What is under investigation is open: nobody has said yet that it is not. */
function isShown(wanted: FindingsFlags['state'], state: FindingState): boolean {
  return wanted === 'all' || wanted === state || (wanted === 'open' && state === 'under_investigation');
}

function ratingsOf(names: readonly string[] | undefined): ReadonlySet<Rating> | undefined {
  const unknown = names?.find((name) => !(RATINGS as readonly string[]).includes(name));
  if (unknown === undefined) return names === undefined ? undefined : new Set(names as readonly Rating[]);
  throw new OakumError('usage', 'FLAG_INVALID', `--severity: there is no rating "${unknown}"`, {
    hint: `The ratings are ${RATINGS.join(', ')}.`,
  });
}

function writeOpenVex({ document }: JudgedStore): void {
  if (document !== undefined) {
    process.stdout.write(formatOpenVex(document));
    return;
  }
  process.stderr.write(
    'oakum: no decision is about these images; nothing is written, since OpenVEX knows no empty document\n',
  );
  process.exitCode = VERDICT_EXIT_CODE;
}

function format(
  judged: JudgedStore,
  chosen: readonly JudgedFinding[],
  { how, world }: { readonly how: FindingsFlags['format']; readonly world: World },
): string {
  if (how === 'json') return `${JSON.stringify(toJson(judged, chosen), null, 2)}\n`;
  if (how === 'table') return plainText(describe(judged, chosen));
  const scan = toScan(judged, chosen, world.clock.now());
  const states = new Map(chosen.map((one) => [one.finding as unknown, one]));
  const stateOf: StateOf = (finding) => {
    const found = states.get(finding);
    return { state: found?.state ?? 'open', reason: reasonOf(found) };
  };
  if (how === 'sarif') return `${JSON.stringify(toSarif(scan, world.version, stateOf), null, 2)}\n`;
  return how === 'csv' ? toCsv(scan, stateOf) : toMarkdown(scan);
}

function reasonOf(one: JudgedFinding | undefined): string | undefined {
  const statement = one?.decidedBy?.statement;
  return statement?.impact_statement ?? statement?.action_statement ?? statement?.status_notes;
}

/** The same subjects with the chosen findings alone, as a scan would have them. */
function toScan({ reports, feeds }: JudgedStore, chosen: readonly JudgedFinding[], now: Date): Scan {
  const bySubject = Map.groupBy(chosen, ({ report }) => report);
  const kept = reports.map((report) => ({
    ...report,
    findings: (bySubject.get(report) ?? []).map(({ finding }) => finding),
  }));
  return { scannedAt: now, feeds, reports: kept };
}

function toJson({ reports, feeds, refresh, clockFault }: JudgedStore, chosen: readonly JudgedFinding[]): unknown {
  return {
    feeds,
    storeIsNewer: refresh.kind === 'older',
    clockFault,
    subjects: reports.map(({ findings: _findings, ...subject }) => subject),
    findings: chosen.map(({ report, finding, state, decidedBy, clock }) => ({
      ...whereOf(report),
      state,
      decidedBy: decidedBy === undefined ? undefined : { document: decidedBy.document, ...decidedBy.statement },
      clock,
      ...finding,
    })),
  };
}

function whereOf({ target, platform, digest, image, distribution }: StoredReport): Readonly<Record<string, unknown>> {
  const { component, channel, revision } = image ?? {};
  return { target, platform, digest, distribution, component, channel, revision };
}

function describe(judged: JudgedStore, chosen: readonly JudgedFinding[]): string {
  const { reports, findings, refresh, clockFault, feeds } = judged;
  const header = ['FINDING', 'ALIAS', 'SEVERITY', 'STATE', 'PACKAGE', 'VERSION', 'FIXED IN', 'REACHED', 'DUE', 'IN'];
  const rows = groupAlike(chosen).map(toRow);
  const gaps = gapsOf(reports).map((gap) => `  ${gap}\n`);
  const older =
    refresh.kind === 'older' ? ['The store was matched with newer feeds than those on this machine.\n'] : [];
  return [
    rows.length === 0 ? '' : formatTable(header, rows),
    `${chosen.length} of ${findings.length} findings in ${reports.length} ${reports.length === 1 ? 'subject' : 'subjects'}\n`,
    ...(clockFault === undefined ? [] : [`SLA clocks are not shown: ${clockFault}\n`]),
    ...older,
    ...(gaps.length === 0 ? [] : [`Not checked:\n${gaps.join('')}`]),
    describeFeeds(feeds),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** One flaw in one package is one row, however many platforms and images have it. */
function groupAlike(chosen: readonly JudgedFinding[]): readonly (readonly JudgedFinding[])[] {
  const key = ({ finding, state, clock }: JudgedFinding) =>
    JSON.stringify([finding.id, finding.package, state, reachabilityWord(finding.reachability), clock?.dueAt]);
  const rank = ([one]: readonly JudgedFinding[]) =>
    RATINGS.length - RATINGS.indexOf(one?.finding.severity.rating ?? 'unknown');
  return [...Map.groupBy(chosen, key).values()].sort((a, b) => rank(a) - rank(b));
}

function toRow(alike: readonly JudgedFinding[]): readonly string[] {
  const [first] = alike;
  if (first === undefined) return [];
  const { finding, state, clock } = first;
  const { id, ids, package: found, fix } = finding;
  return [
    id,
    ids.find((name) => name.startsWith('CVE-') && name !== id) ?? ids[1] ?? '-',
    describeRating(finding),
    state.replace('_', ' '),
    found.scope === 'build' ? `${found.name} (build)` : found.name,
    found.version,
    fix ?? '-',
    reachabilityWord(finding.reachability),
    clock === undefined
      ? '-'
      : `${clock.state}${clock.dueAt === undefined ? '' : ` ${clock.dueAt.toISOString().slice(0, 16)}Z`}`,
    namesOf(alike),
  ];
}

function namesOf(alike: readonly JudgedFinding[]): string {
  const names = [...new Set(alike.map(({ report }) => report.image?.component ?? report.target))];
  return names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');
}

/** A gap that many subjects share is told once. */
function gapsOf(reports: readonly StoredReport[]): readonly string[] {
  const counts = new Map<string, string[]>();
  for (const { gaps, target } of reports)
    for (const { what, reason } of gaps)
      counts.set(`${what}: ${reason}`, [...(counts.get(`${what}: ${reason}`) ?? []), target]);
  return [...counts].map(
    ([gap, targets]) => `${gap} (${targets.length === 1 ? targets[0] : `${targets.length} subjects`})`,
  );
}
