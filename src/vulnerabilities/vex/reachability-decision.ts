// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import type { VexDecision } from './decision.ts';

/** What reachability analysis said of one finding in one build. */
export interface ReachabilityEvidence {
  readonly vulnerability: string;
  readonly aliases: readonly string[];
  readonly packagePurl: string;
  readonly reach: 'called' | 'imported' | 'required';
  /** The platform manifest whose exact sources were analysed. */
  readonly image: Digest;
  /** Digest of the kept output of the tool. */
  readonly evidence: Digest;
  /** The tool with its version, and its database with date, for readers. */
  readonly tool: string;
  readonly at: Date;
}

/**
 * Takes the result of an analysis; gives the decision that it stands for. It holds for that platform manifest alone, so every new
 * build is judged again. Code that is called is `affected`; where it is not, the product is not affected because the vulnerable
 * code is not in the execute path. Imported counts as not called: the tool followed every call of the program.
 */
export function toReachabilityDecision(result: ReachabilityEvidence): VexDecision {
  const { vulnerability, aliases, packagePurl, reach, image, evidence, tool, at } = result;
  const shared = {
    kind: 'evidence',
    author: tool,
    where: evidence,
    vulnerability,
    aliases,
    at,
    scope: { digests: [image] },
    packages: [packagePurl],
  } as const;
  if (reach === 'called') {
    return {
      ...shared,
      status: 'affected',
      reason: 'The vulnerable code is called.',
      action: 'Update to a revision that fixes it as soon as there is one.',
    };
  }
  const what =
    reach === 'imported' ? 'imports the package but calls none of' : 'requires the module but imports none of';
  return {
    ...shared,
    status: 'not_affected',
    justification: 'vulnerable_code_not_in_execute_path',
    reason: `Static analysis of the exact sources built: the program ${what} the vulnerable code. Evidence: ${evidence}.`,
  };
}
