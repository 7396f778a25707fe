// SPDX-License-Identifier: Apache-2.0
import { type Digest, OakumError } from '#core';
import {
  findAnalysis,
  type KnownAnalysis,
  readGoDatabasePart,
  type ReachabilityKnowledge,
  type ScanReport,
  toReachabilityDecision,
  toReachabilityEvidence,
  type VexDecision,
  type VexImage,
} from '#vulnerabilities';
import type { World } from './world.ts';

/** Gives the analyses that are kept of scanned images, and the database as it is now; runs nothing. `feeds` is the folder that holds them. */
export async function findReachability(
  reports: readonly ScanReport[],
  feeds: string,
  world: World,
): Promise<ReachabilityKnowledge> {
  const digests = new Set(reports.flatMap((report) => (report.findings.length === 0 ? [] : (report.digest ?? []))));
  const found = await Promise.all([...digests].map(async (image) => [image, await findOne(image, world)] as const));
  const analyses = new Map(found.flatMap(([image, one]) => (one === undefined ? [] : [[image, one] as const])));
  return { analyses, advisories: analyses.size === 0 ? {} : currentAdvisories(reports, feeds) };
}

/** Gives the Go database's texts, as digests, of all modules that have findings. */
export function currentAdvisories(reports: readonly ScanReport[], feeds: string): Readonly<Record<string, Digest>> {
  const modules = reports.flatMap(({ findings }) =>
    findings.flatMap((finding) => (finding.package.ecosystem === 'Go' ? [finding.package.name] : [])),
  );
  return readGoDatabasePart(feeds, new Set(modules))?.digests ?? {};
}

/** A kept analysis that is damaged stops no scan: the findings say so. */
async function findOne(image: Digest, world: World): Promise<KnownAnalysis | undefined> {
  try {
    return await findAnalysis(world.stateFolder, image);
  } catch (error) {
    if (error instanceof OakumError) return { reason: error.message };
    throw error;
  }
}

/** Gives the decisions that kept analyses of these images stand for, as far as the Go database still says what it said then. */
export async function reachabilityDecisions(
  images: readonly VexImage[],
  world: World,
): Promise<readonly VexDecision[]> {
  const digests = images.flatMap(({ platforms }) => platforms.map(({ digest }) => digest));
  const decisions = await Promise.all(
    digests.map(async (image) => {
      const analysis = await findAnalysis(world.stateFolder, image);
      if (analysis === undefined) return [];
      const modules = new Set(analysis.reached.map(({ module }) => module));
      const database = readGoDatabasePart(world.stateFolder, modules);
      return database === undefined
        ? []
        : toReachabilityEvidence(image, analysis, database).map(toReachabilityDecision);
    }),
  );
  return decisions.flat();
}
