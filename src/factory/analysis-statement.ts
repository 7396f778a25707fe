// SPDX-License-Identifier: Apache-2.0
import { formatPurl, type Json } from '#formats';
import type { Analysis } from '#vulnerabilities';

/**
 * Takes an analysis of a patched program; gives the predicate of an in-toto vulnerability report, version 0.2 (spec/predicates/vulns_02.md): what
 * govulncheck still finds, with how near the program comes to it. `oakum_analysis` says on what it was run, and names its whole output.
 */
export function toAnalysisResult(analysis: Analysis, platform: string): Json {
  const { tool, database, at, milliseconds, reached, evidence, build, isolation, goVersion, advisories } = analysis;
  return {
    scanner: {
      uri: formatPurl({ type: 'golang', namespace: 'golang.org/x', name: 'vuln', version: tool.version }),
      version: tool.version,
      db: { lastUpdate: database },
      result: reached.map(({ id, module, version, reach }) => ({
        id,
        severity: [],
        annotations: [{ module, version, reachability: reach }],
      })),
    },
    metadata: {
      scanStartedOn: at,
      scanFinishedOn: new Date(Date.parse(at) + milliseconds).toISOString(),
    },
    oakum_analysis: {
      mode: 'source',
      platform,
      go: goVersion,
      isolation,
      program: build,
      output: evidence,
      tool: tool.digest,
      advisories: { ...advisories },
    },
  };
}
