// SPDX-License-Identifier: Apache-2.0
import {
  describeFrame,
  type GoImport,
  type Match,
  reachabilityWord,
  type Severity,
  type VulnerabilityKnowledge,
} from '#vulnerabilities';
import type { Explanation } from './commands/explain.ts';
import { formatTable } from './format.ts';
import type { JudgedFinding, JudgedStore } from './judged-findings.ts';
import { describeFeeds } from './stale-feeds.ts';

/** Symbols of a Go package that are named; --json has all. */
const MOST_SYMBOLS = 8;

/** Gives an explanation as a page for people. */
export function formatExplanation({ knowledge, feeds, judged }: Explanation): string {
  return [
    head(knowledge),
    section('Severity', severityOf(knowledge)),
    section('Exploitation', exploitationOf(knowledge)),
    ...knowledge.advisories.map(describeAdvisory),
    section('Not readable', knowledge.faults),
    judged === undefined
      ? 'Nothing was scanned yet: run `oakum scan TARGET...` to learn where it occurs.\n'
      : occurrences(judged),
    describeFeeds(feeds),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function head({ id, names, advisories }: VulnerabilityKnowledge): string {
  const others = names.filter((name) => name !== id);
  const summary = advisories.map(({ advisory }) => advisory.summary).find((text) => text !== '');
  return `${id}${others.length === 0 ? '' : ` (${others.join(', ')})`}\n${summary === undefined ? '' : `${summary}\n`}`;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function severityOf({ severity, severities }: VulnerabilityKnowledge): readonly string[] {
  const by =
    severity.by === undefined
      ? 'no source gives a vector; that is not low'
      : `by CVSS ${severity.by.version} of ${severity.by.source}`;
  const score = severity.score === undefined ? '' : ` ${severity.score.toFixed(1)}`;
  return [`${severity.rating}${score}, ${by}`, ...severities.map(describeSeverity)];
}

function describeSeverity(one: Severity): string {
  if (one.kind === 'word') return `${one.source} says "${one.word}"`;
  if (one.kind === 'invalid') return `${one.source}: ${one.vector}, which is no valid vector: ${one.reason}`;
  return `${one.source}: CVSS ${one.version} ${one.vector} (${one.score.toFixed(1)}, ${one.rating})`;
}

function exploitationOf({ kev, epss, ssvc }: VulnerabilityKnowledge): readonly string[] {
  return [
    ...kev.map(
      (one) =>
        `${one.cve} is known to be exploited (KEV since ${one.dateAdded}, due ${one.dueDate}): ${one.requiredAction}`,
    ),
    ...epss.map(
      (one) => `${one.cve}: EPSS ${one.score}, higher than ${(one.percentile * 100).toFixed(1)} % of all (${one.date})`,
    ),
    ...ssvc.map(
      (one) =>
        `${one.cve}: SSVC exploitation ${one.exploitation}, automatable ${one.automatable}, impact ${one.technicalImpact}`,
    ),
  ];
}

function describeAdvisory({ feed, advisory, details }: VulnerabilityKnowledge['advisories'][number]): string {
  const { id, published, modified, withdrawn, affected, references, url } = advisory;
  const dates = [
    ...(published === undefined ? [] : [`published ${published.slice(0, 10)}`]),
    ...(modified === undefined ? [] : [`modified ${modified.slice(0, 10)}`]),
    ...(withdrawn === undefined ? [] : [`WITHDRAWN ${withdrawn.slice(0, 10)}`]),
  ];
  const ranges = affected.flatMap((one) => [
    ...one.ranges.map(
      ({ events }) => `${one.name}: ${events.map(({ kind, version }) => `${kind} ${version}`).join(', ')}`,
    ),
    ...(one.versions.length === 0 ? [] : [`${one.name}: ${one.versions.length} versions listed`]),
    ...one.imports.map(describeImport),
    ...one.faults.map((fault) => `${one.name}: not readable: ${fault}`),
  ]);
  const links = url === undefined ? references.slice(0, 3).map((one) => one.url) : [url];
  const text = details.trim() === '' ? [] : details.trim().split('\n').slice(0, 12);
  return section(`${id} (feed ${feed}${dates.length === 0 ? '' : `; ${dates.join(', ')}`})`, [
    ...text,
    ...ranges,
    ...links,
  ]);
}

/** Which part of a module holds the flaw. */
function describeImport({ path, symbols, goos, goarch }: GoImport): string {
  const shown = symbols.length === 0 ? 'all of it' : symbols.slice(0, MOST_SYMBOLS).join(', ');
  const rest = symbols.length > MOST_SYMBOLS ? ` and ${symbols.length - MOST_SYMBOLS} more` : '';
  const systems = [...goos, ...goarch].join(', ');
  return `in package ${path}: ${shown}${rest}${systems === '' ? '' : `; on ${systems} only`}`;
}

function occurrences({ findings, clockFault }: JudgedStore): string {
  if (findings.length === 0) return 'It occurs in nothing that was scanned.\n';
  const header = ['IN', 'PLATFORM', 'PACKAGE', 'VERSION', 'FIXED IN', 'STATE', 'REACHED', 'CLOCK'];
  const table = formatTable(header, findings.map(toRow)).replace(/^(?=.)/gm, '  ');
  return [
    `Occurs in:\n${table}`,
    section('Call paths', callPaths(findings)),
    section('Decisions', unique(findings.flatMap(decisionOf))),
    section('Why it counts', unique(findings.flatMap(reasonsOf))),
    clockFault === undefined ? '' : `SLA clocks are not shown: ${clockFault}\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function toRow({ report, finding, state, clock }: JudgedFinding): readonly string[] {
  const { image, target, platform } = report;
  const due = clock?.dueAt === undefined ? '' : `, due ${clock.dueAt.toISOString().slice(0, 16)}Z`;
  return [
    image === undefined ? target : `${image.channel}/${image.component} ${image.revision}`,
    platform ?? '-',
    finding.package.name,
    finding.package.version,
    finding.fix ?? '-',
    state.replace('_', ' '),
    reachabilityWord(finding.reachability),
    clock === undefined ? '-' : `${clock.state}${due}`,
  ];
}

/** The first path of each image, frame by frame. */
function callPaths(findings: readonly JudgedFinding[]): readonly string[] {
  return findings.flatMap(({ report, finding }) => {
    if (finding.reachability.kind !== 'called') return [];
    const frames = finding.reachability.path.map((frame) => `  ${describeFrame(frame)}`);
    return [`${report.image?.component ?? report.target}, evidence ${finding.reachability.evidence}`, ...frames];
  });
}

function decisionOf({ state, decidedBy }: JudgedFinding): readonly string[] {
  if (decidedBy === undefined) return [];
  const { justification, impact_statement, action_statement, status_notes } = decidedBy.statement;
  const why = impact_statement ?? action_statement ?? status_notes ?? '';
  return [`${state.replace('_', ' ')}${justification === undefined ? '' : ` (${justification})`}: ${why}`];
}

function reasonsOf({ finding }: JudgedFinding): readonly string[] {
  return finding.matches.map(
    ({ advisory, searched, decision }) =>
      `${advisory} names ${searched.name} (${searched.ecosystem}), which is there as ${searched.version}: ${describeMatch(decision)}`,
  );
}

/** What of an advisory decided. */
function describeMatch(decision: Match['decision']): string {
  if (decision.kind === 'version') return 'that version is listed';
  const { introduced, until } = decision;
  return `introduced ${introduced}, ${until === undefined ? 'with no end' : `${until.kind} ${until.version}`}`;
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
