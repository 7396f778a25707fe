// SPDX-License-Identifier: Apache-2.0
import type { Finding } from '../match/finding.ts';
import { describeFrame, functionOf } from '../reachability/describe.ts';
import type { Rating } from '../severity.ts';
import type { Scan, ScanReport } from '../scan.ts';
import type { StateOf } from './tables.ts';
import { webAddress } from './web-address.ts';

/** GitHub reads `security-severity` as a score, and shows nothing for a rule without one: what is unknown has none. */
const LEVELS: Readonly<Record<Rating, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  unknown: 'warning',
  low: 'note',
  none: 'note',
};

/**
 * Gives a scan in SARIF 2.1.0 (OASIS): one run, one rule per flaw, one result per finding, and what could not be checked
 * as notifications, with `executionSuccessful` false. `version` is Oakum's. What was decided not to be open is suppressed (3.35),
 * where that is known.
 */
export function toSarif({ reports, scannedAt }: Scan, version: string, stateOf?: StateOf): unknown {
  const findings = reports.flatMap((report) => report.findings.map((finding) => ({ report, finding })));
  const rules = [...new Map(findings.map(({ finding }) => [finding.id, finding])).values()].sort((a, b) =>
    a.id < b.id ? -1 : 1,
  );
  const indexes = new Map(rules.map((rule, index) => [rule.id, index]));
  const gaps = reports.flatMap((report) => report.gaps.map((gap) => ({ report, gap })));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'oakum', semanticVersion: version, rules: rules.map(toRule) } },
        invocations: [
          {
            executionSuccessful: gaps.length === 0,
            endTimeUtc: scannedAt.toISOString(),
            toolExecutionNotifications: gaps.map(({ report, gap }) => ({
              level: 'warning',
              message: { text: `${report.target}: ${gap.what} could not be checked: ${gap.reason}` },
            })),
          },
        ],
        results: findings.map(({ report, finding }) => ({
          ...toResult(report, finding, indexes.get(finding.id) ?? 0),
          ...suppression(finding, stateOf),
        })),
      },
    ],
  };
}

function toRule(finding: Finding): unknown {
  const url = webAddress(finding.url);
  const { severity } = finding;
  return {
    id: finding.id,
    shortDescription: { text: finding.summary === '' ? finding.id : finding.summary },
    fullDescription: { text: [finding.summary, `Also known as: ${finding.ids.join(', ')}`].filter(Boolean).join('\n') },
    ...(url === undefined ? {} : { helpUri: url }),
    properties: {
      tags: ['security', 'vulnerability', ...finding.ids],
      ...(severity.score === undefined ? {} : { 'security-severity': severity.score.toFixed(1) }),
    },
  };
}

function suppression(finding: Finding, stateOf: StateOf | undefined): Readonly<Record<string, unknown>> {
  const { state, reason } = stateOf?.(finding) ?? { state: 'open' };
  if (state === 'open') return {};
  return {
    suppressions: [{ kind: 'external', status: 'accepted', justification: `${state}${reason ? `: ${reason}` : ''}` }],
  };
}

function toResult(report: ScanReport, finding: Finding, ruleIndex: number): Readonly<Record<string, unknown>> {
  const { name, version } = finding.package;
  const fix = finding.fix === undefined ? 'no fix is known' : `fixed in ${finding.fix}`;
  const platform = report.platform === undefined ? '' : ` (${report.platform})`;
  return {
    ruleId: finding.id,
    ruleIndex,
    level: LEVELS[finding.severity.rating],
    message: { text: `${name} ${version} in ${report.target}${platform}: ${finding.id}, ${fix}` },
    ...reachabilityParts(finding),
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: toUri(report.target) }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: `${name}@${version}`, kind: 'module' }],
      },
    ],
    partialFingerprints: { 'oakum/v1': [report.target, report.platform ?? '', finding.id, name].join('|') },
  };
}

/** What is known of the finding's reachability; a call path is a code flow, from the program's own code to the flaw. */
function reachabilityParts({ reachability }: Finding): Readonly<Record<string, unknown>> {
  const properties = { properties: { reachability } };
  if (reachability.kind !== 'called' || reachability.path.length === 0) return properties;
  const locations = reachability.path.map((frame) => ({
    location: {
      message: { text: describeFrame(frame) },
      logicalLocations: [{ fullyQualifiedName: functionOf(frame), kind: 'function' }],
    },
  }));
  return { ...properties, codeFlows: [{ threadFlows: [{ locations }] }] };
}

/** A relative reference (RFC 3986, 4.2): its first segment must not look like a scheme, as `oci:` or a registry with a port do. */
function toUri(target: string): string {
  return encodeURI(target.replace(/^oci:/, ''))
    .replace(/^([^/]*):/, '$1/')
    .replace(/[?#]/g, encodeURIComponent);
}
