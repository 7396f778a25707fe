// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import { hasStore } from '#store';
import {
  describeFrame,
  type FeedReading,
  type Feeds,
  inUsualCase,
  nearIds,
  readVulnerability,
  type VulnerabilityKnowledge,
} from '#vulnerabilities';
import { formatExplanation } from '../explain-text.ts';
import { openFeedsQuickly } from '../feed-ages.ts';
import { type JudgedStore, readJudgedStore } from '../judged-findings.ts';
import { type OutputFlags, print } from '../session.ts';
import { storeOptions } from '../store.ts';
import type { VexFlags } from '../vex-decisions.ts';
import type { World } from '../world.ts';

/** Flags of `oakum explain`. */
export interface ExplainFlags extends VexFlags, Pick<OutputFlags, 'json'> {
  readonly allRevisions?: boolean;
}

/** All that is known of a vulnerability: what the feeds say, and where the store has it; `judged` is absent where nothing was scanned. */
export interface Explanation {
  readonly knowledge: VulnerabilityKnowledge;
  readonly feeds: readonly FeedReading[];
  readonly judged?: JudgedStore;
}

/** `oakum explain`: tells everything that is known of a vulnerability. Throws `VULNERABILITY_UNKNOWN` with ids that are near. */
export async function explain(id: string, flags: ExplainFlags, world: World): Promise<void> {
  const feeds = await openFeedsQuickly(flags.definition, world);
  const name = inUsualCase(id);
  const told = await readVulnerability(feeds, name);
  const filter = { names: told?.names ?? [name], allRevisions: flags.allRevisions };
  const scanned = await hasStore(storeOptions(world));
  const judged = scanned ? await readJudgedStore(filter, { flags, feeds, world }) : undefined;
  const knowledge = told ?? knowledgeOf(judged);
  if (knowledge === undefined) throw await unknown(name, feeds);
  const explanation = { knowledge, feeds: await feeds.status(), ...(judged === undefined ? {} : { judged }) };
  print(flags, toJson(explanation), () => formatExplanation(explanation));
}

/** What findings tell of a vulnerability that no feed on this machine knows: the store was matched elsewhere, or the feed is gone. */
function knowledgeOf(judged: JudgedStore | undefined): VulnerabilityKnowledge | undefined {
  const finding = judged?.findings[0]?.finding;
  if (finding === undefined) return undefined;
  const { id, ids: names, severity, severities, kev, epss } = finding;
  const none = { advisories: [], faults: ['no feed on this machine has its advisories now'], ssvc: [] };
  return { id, names, severity, severities, kev: kev ? [kev] : [], epss: epss ? [epss] : [], ...none };
}

async function unknown(id: string, feeds: Feeds): Promise<OakumError> {
  const near = await nearIds(feeds, id);
  const stale = (await feeds.status()).filter(({ state }) => state === 'missing').map(({ name }) => name);
  const missing = stale.length === 0 ? '' : ` These were never fetched: ${stale.join(', ')} (\`oakum feeds update\`).`;
  return new OakumError('usage', 'VULNERABILITY_UNKNOWN', `no feed on disk knows "${id}"`, {
    hint: `${near.length === 0 ? 'Write an id such as GO-2026-6061, CVE-2026-12345 or a GHSA id.' : `Did you mean ${near.join(', ')}?`}${missing}`,
  });
}

function toJson({ knowledge, feeds, judged }: Explanation): unknown {
  const occurrences = judged?.findings.map(({ report, finding, state, decidedBy, clock }) => ({
    target: report.target,
    platform: report.platform,
    digest: report.digest,
    image: report.image,
    state,
    decidedBy: decidedBy?.statement,
    clock,
    path: finding.reachability.kind === 'called' ? finding.reachability.path.map(describeFrame) : undefined,
    finding,
  }));
  return { ...knowledge, feeds, scanned: judged !== undefined, clockFault: judged?.clockFault, occurrences };
}
