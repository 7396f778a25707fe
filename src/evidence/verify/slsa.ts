// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '#core';
import { type ProvenanceReading, readProvenance, type ReadSource } from '../provenance/read.ts';
import type { Claim } from './collect.ts';
import type { SlsaDemand } from './policy.ts';
import type { Check } from './report.ts';
import { formatMatch, readMatch } from './text-match.ts';

/** What provenance comes to: its checks, and the level its builder is believed for. */
export interface SlsaReading {
  readonly checks: readonly Check[];
  readonly level: number;
}

/**
 * Checks what a platform's provenance says against the policy (slsa.dev/spec/v1.0/verifying-artifacts, "Step 1" and "Step 2").
 * Of several statements the first that passes everything decides, else the one with the fewest failures.
 */
export function checkProvenance(
  claims: readonly Pick<Claim, 'statement' | 'place'>[],
  demand: SlsaDemand,
  subject: string,
): SlsaReading {
  const readings = claims.map((claim) => readOne(claim, demand, subject));
  const failures = ({ checks }: SlsaReading) => checks.filter(({ outcome }) => outcome !== 'passed').length;
  const [best] = readings.sort((a, b) => failures(a) - failures(b) || b.level - a.level);
  if (best !== undefined) return best;
  const reason = 'there is no provenance to trust';
  return { checks: [{ name: 'builder', subject, outcome: 'failed', reason }], level: 0 };
}

function readOne(
  { statement, place }: Pick<Claim, 'statement' | 'place'>,
  demand: SlsaDemand,
  subject: string,
): SlsaReading {
  let reading: ProvenanceReading;
  try {
    reading = readProvenance(statement?.predicateType ?? '', statement?.predicate, place);
  } catch (error) {
    return { checks: [{ name: 'builder', subject, outcome: 'failed', reason: messageOf(error) }], level: 0 };
  }
  const builder = demand.builders.find(({ id }) => readMatch(id, reading.builderId) === 'matches');
  const level = builder?.level ?? 0;
  const names = demand.builders.map(({ id }) => formatMatch(id)).join(', ');
  const checks: Check[] = [
    judged('builder', subject, builder !== undefined, {
      yes: reading.builderId,
      no: `the builder ${JSON.stringify(reading.builderId)} is none of ${names}`,
    }),
    judged('level', subject, level >= demand.minimumLevel, {
      yes: `this builder is believed for SLSA build level ${level}`,
      no: `this builder is believed for SLSA build level ${level}, ${demand.minimumLevel} is needed`,
    }),
  ];
  if (demand.source !== undefined) {
    checks.push(checkSource(primarySource(reading, statement?.predicate), demand.source, subject));
  }
  return { checks, level };
}

function checkSource(
  source: ReadSource | undefined,
  demand: NonNullable<SlsaDemand['source']>,
  subject: string,
): Check {
  const failed = (reason: string) => judged('source', subject, false, { yes: '', no: reason });
  if (source === undefined) return failed('the provenance names no git repository');
  const { repository, commit, ref } = source;
  if (readMatch(demand.repository, repository) !== 'matches') {
    return failed(`it was built from ${repository}, not from ${formatMatch(demand.repository)}`);
  }
  if (demand.commit !== undefined && commit !== demand.commit) {
    return failed(`it was built from commit ${commit ?? '(not told)'}, not from ${demand.commit}`);
  }
  if (demand.ref !== undefined && (ref === undefined || readMatch(demand.ref, ref) !== 'matches')) {
    return failed(`it was built from ref ${ref ?? '(not told)'}, not from ${formatMatch(demand.ref)}`);
  }
  const yes = `${repository}${ref === undefined ? '' : ` at ${ref}`}${commit === undefined ? '' : `, commit ${commit}`}`;
  return judged('source', subject, true, { yes, no: '' });
}

/**
 * The repository that was built, which is one of those used: version 0.2 names it in `configSource` where that is a
 * repository; else builders list it first.
 */
function primarySource(reading: ProvenanceReading, predicate: unknown): ReadSource | undefined {
  const uri = (predicate as { invocation?: { configSource?: { uri?: unknown } } } | undefined)?.invocation?.configSource
    ?.uri;
  const configured =
    typeof uri === 'string'
      ? reading.sources.find(
          ({ repository }) =>
            uri
              .replace(/^git\+/, '')
              .replace(/\.git(?=[@#]|$)/, '')
              .split(/[@#]/)[0] === repository,
        )
      : undefined;
  return configured ?? reading.sources[0];
}

function judged(
  name: Check['name'],
  subject: string,
  passed: boolean,
  reasons: { readonly yes: string; readonly no: string },
): Check {
  return { name, subject, outcome: passed ? 'passed' : 'failed', reason: passed ? reasons.yes : reasons.no };
}
