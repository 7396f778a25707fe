// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '#core';
import { type Advisory, toAdvisory } from '../advisory.ts';
import type { EpssEntry, FeedName, Feeds, KevEntry, SsvcEntry } from '../feeds/feed.ts';
import { namesOf, sortedNames } from '../match/aliases.ts';
import { feedOf } from '../match/match.ts';
import { rateSeverity, type Severity, type SeverityReading } from '../severity.ts';

/** How often names that were found are looked up in turn: aliases of aliases are few. */
const ROUNDS = 5;

/** An advisory with its text, and the feed it is of. */
export interface KnownAdvisory {
  readonly feed: FeedName;
  readonly advisory: Advisory;
  readonly details: string;
}

/** All that the feeds say of one vulnerability. */
export interface VulnerabilityKnowledge {
  readonly id: string;
  readonly names: readonly string[];
  readonly advisories: readonly KnownAdvisory[];
  /** Records that could not be read, and why. */
  readonly faults: readonly string[];
  /** What counts by the policy, and all vectors and words with their source; never converted. */
  readonly severity: SeverityReading;
  readonly severities: readonly Severity[];
  readonly kev: readonly KevEntry[];
  readonly epss: readonly EpssEntry[];
  readonly ssvc: readonly SsvcEntry[];
}

/**
 * Gathers what the feeds on disk say of a vulnerability under any of its names; undefined where none of them knows it. Other names
 * are followed as findings are joined: ids and aliases, never `related`.
 */
export async function readVulnerability(feeds: Feeds, id: string): Promise<VulnerabilityKnowledge | undefined> {
  const { advisories, faults, names } = await gather(feeds, id);
  const cves = new Set(names.filter((name) => name.startsWith('CVE-')));
  const [kev, epss, ssvc] = await Promise.all([feeds.kev(cves), feeds.epss(cves), feeds.ssvc(cves)]);
  if (advisories.length + faults.length + kev.size + epss.size + ssvc.size === 0) return undefined;
  const severities = advisories.flatMap(({ advisory }) => [
    ...advisory.severities,
    ...advisory.affected.flatMap((one) => one.severities),
  ]);
  const distinct = [...new Map(severities.map((one) => [JSON.stringify(one), one])).values()];
  return {
    id: names[0] ?? id,
    names,
    advisories,
    faults,
    severity: rateSeverity(distinct),
    severities: distinct,
    kev: [...kev.values()],
    epss: [...epss.values()],
    ssvc: [...ssvc.values()],
  };
}

async function gather(
  feeds: Feeds,
  id: string,
): Promise<Pick<VulnerabilityKnowledge, 'advisories' | 'faults' | 'names'>> {
  let names = new Set([id]);
  let asked = 0;
  let advisories: readonly KnownAdvisory[] = [];
  let faults: readonly string[] = [];
  for (let round = 0; round < ROUNDS && names.size > asked; round += 1) {
    asked = names.size;
    const read = (await feeds.advisoriesById(names)).map(readOne);
    advisories = read.filter((one) => typeof one !== 'string');
    faults = read.filter((one) => typeof one === 'string');
    names = new Set([...names, ...advisories.flatMap(({ advisory }) => namesOf(advisory))]);
  }
  const sorted = sortedNames(advisories.map(({ advisory }) => advisory));
  return { advisories, faults, names: sorted.length === 0 ? [id] : sorted };
}

/** Gives what is wrong with a record that is none. */
function readOne(value: unknown): KnownAdvisory | string {
  try {
    const advisory = toAdvisory(value);
    const { details } = value as { readonly details?: unknown };
    return { feed: feedOf(advisory.id), advisory, details: typeof details === 'string' ? details : '' };
  } catch (error) {
    return messageOf(error);
  }
}
