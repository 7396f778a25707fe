// SPDX-License-Identifier: Apache-2.0
import { type RuleId, RULES } from './rules.ts';
import type { PreflightFinding, PreflightReport } from './types.ts';

/**
 * Gives a preflight in SARIF 2.1.0 (OASIS): one run with every rule, one result per finding, places relative to the repository, and
 * what was not looked at as notifications. `version` is Oakum's.
 */
export function preflightSarif({ findings, skipped, channel, target }: PreflightReport, version: string): unknown {
  const ids = Object.keys(RULES) as RuleId[];
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'oakum', semanticVersion: version, rules: ids.map(toRule) } },
        automationDetails: { id: `oakum/preflight/${channel.name}/${target}/` },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { SRCROOT: { description: { text: 'The root of the repository.' } } },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: skipped.map(({ path, reason, detail }) => ({
              level: 'note',
              message: { text: `${path} was not looked at: ${reason} (${detail})` },
            })),
          },
        ],
        results: findings.map((finding) => toResult(finding, ids.indexOf(finding.rule))),
      },
    ],
  };
}

function toRule(id: RuleId): unknown {
  const { title, why, levels } = RULES[id];
  return {
    id,
    shortDescription: { text: `${title}.` },
    fullDescription: { text: why },
    defaultConfiguration: { level: levels[0] },
  };
}

function toResult({ rule, level, place, message, fix }: PreflightFinding, ruleIndex: number): unknown {
  return {
    ruleId: rule,
    ruleIndex,
    level,
    message: { text: `${message}. ${fix}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: place.file.split('/').map(encodeURIComponent).join('/'), uriBaseId: 'SRCROOT' },
          region: { startLine: place.line, startColumn: place.column },
        },
      },
    ],
  };
}
