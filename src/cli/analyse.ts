// SPDX-License-Identifier: Apache-2.0
import { emptyLock } from '#definition';
import { analyseImages, lockTool, type ReachabilityTarget } from '#factory';
import { readGoDatabasePart, type ReachabilityKnowledge, type Scan, type ScanSubject } from '#vulnerabilities';
import { currentAdvisories } from './reachability.ts';
import { type OutputFlags, withProgress } from './session.ts';
import { keepLock, loadDefinition, openShop, type SharedFlags } from './shop.ts';
import type { World } from './world.ts';

/** Analyses the scanned images that Oakum built and in which something was found; see `analyseImages`. */
export async function runReachability(
  request: { readonly subjects: readonly ScanSubject[]; readonly result: Scan; readonly feeds: string },
  flags: SharedFlags & OutputFlags,
  world: World,
): Promise<ReachabilityKnowledge> {
  const { result, feeds } = request;
  const targets = toTargets(request);
  if (targets.length === 0) return { analyses: new Map(), advisories: {} };
  const analyses = await withProgress(flags, world, async (report) => {
    const loaded = await loadDefinition(flags, world);
    const { definition } = loaded.read;
    const shop = await openShop(loaded, { flags, world, report });
    const { lockFile, lock: known = emptyLock(shop.compressor) } = loaded;
    const { lock, changed } = await lockTool('govulncheck', { definition, lock: known, lockFile, locked: false }, shop);
    await keepLock({ lock, changed, holds: 'govulncheck' }, lockFile, report);
    return analyseImages(targets, { definition, lock, dataFolder: world.stateFolder }, shop);
  });
  return { analyses, advisories: currentAdvisories(result.reports, feeds) };
}

/** Images that tell what they were built from. Those without findings need no analysis. */
function toTargets({
  subjects,
  result,
  feeds,
}: {
  readonly subjects: readonly ScanSubject[];
  readonly result: Scan;
  readonly feeds: string;
}): readonly ReachabilityTarget[] {
  const open = new Set(result.reports.flatMap(({ digest, findings }) => (findings.length === 0 ? [] : (digest ?? []))));
  return subjects.flatMap(({ target, digest, provenance, packages }): ReachabilityTarget[] => {
    if (digest === undefined || provenance === undefined || !open.has(digest)) return [];
    const modules = new Set(packages.flatMap((one) => (one.ecosystem === 'Go' ? [one.name] : [])));
    const database = readGoDatabasePart(feeds, modules);
    return database === undefined ? [] : [{ target, image: digest, provenance, database }];
  });
}
