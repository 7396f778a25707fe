// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import { formatPurl } from '#formats';
import type { ReachabilityEvidence } from '../vex/reachability-decision.ts';
import type { GoDatabasePart } from './database.ts';
import type { Analysis } from './types.ts';

/**
 * Gives what an analysis proves of an image, advisory by advisory, for VEX. What the database says otherwise now, or no longer,
 * is left out: it must be looked for anew.
 */
export function toReachabilityEvidence(
  image: Digest,
  analysis: Analysis,
  database: Pick<GoDatabasePart, 'digests' | 'aliases'>,
): readonly ReachabilityEvidence[] {
  const { tool, at, evidence, advisories } = analysis;
  const current = analysis.reached.filter(
    ({ id, module, version }) =>
      Object.hasOwn(advisories, id) && advisories[id] === database.digests[id] && isPublished(module, version),
  );
  return current.map(({ id, module, version, reach }) => ({
    vulnerability: id,
    aliases: database.aliases[id] ?? [],
    packagePurl: modulePurl(module, version),
    reach,
    image,
    evidence,
    tool: `${tool.name} ${tool.version}, Go vulnerability database of ${analysis.database.slice(0, 10)}`,
    at: new Date(at),
  }));
}

/** A folder that stands in for a module (`./api`) has no version, and no package URL. */
function isPublished(module: string, version: string): boolean {
  return version !== '' && !module.startsWith('.');
}

function modulePurl(module: string, version: string): string {
  const slash = module.lastIndexOf('/');
  const namespace = slash === -1 ? undefined : module.slice(0, slash);
  return formatPurl({ type: 'golang', namespace, name: module.slice(slash + 1), version });
}
