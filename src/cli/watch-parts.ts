// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createFile, digestOf, hexOf, OakumError, type Report } from '#core';
import {
  fixedBy,
  newerReleases,
  type PublishedFix,
  toWatchedFindings,
  type WatchedScan,
  wasTried,
  type WatchParts,
} from '#factory';
import type { PatchPlan } from '#patch';
import { parseRevision } from '#release';
import { forecastBreaches, readClocks, scan, toSlaPolicy, withReachability } from '#vulnerabilities';
import { type PatchFlags, runPatch } from './commands/patch.ts';
import { openFeedsOf, updateFeedsOf } from './feed-settings.ts';
import { findReachability } from './reachability.ts';
import { recordScan } from './record-scan.ts';
import { readReleaseImages } from './release-images.ts';
import { openTargets } from './scan-targets.ts';
import { type Loaded, openShop } from './shop.ts';
import type { World } from './world.ts';

/** Flags that the steps of a round use. */
export interface WatchFlags extends Omit<PatchFlags, 'out' | 'plan' | 'lockOnly'> {
  readonly mirror?: string;
  /** Where the VEX decisions are. */
  readonly folder: string;
  readonly sealKey?: string;
}

interface PartsContext {
  readonly loaded: Loaded;
  readonly flags: WatchFlags;
  readonly world: World;
  readonly report: Report;
}

/** Gives the steps of a round as the commands of the same names do them. */
export function openWatchParts(context: PartsContext): WatchParts {
  const { loaded, flags, world, report } = context;
  const patchFlags: PatchFlags = { ...flags, out: 'out' };
  return {
    async refreshFeeds() {
      const updates = await updateFeedsOf(loaded.read, { mirror: flags.mirror }, { world, report });
      return updates.flatMap(({ result, reading }) => (result === 'absent' ? [] : [reading])); // a mirror may lack ssvc
    },
    async newerReleases(release) {
      const present = /^\d+\.\d+\.\d+$/.test(release)
        ? release
        : releaseOf((await readPublished(release, world)).revision);
      return newerReleases(present, await (await openShop(loaded, { flags, world, report })).sources());
    },
    scan: (release) => scanPublished(release, context),
    plan: async (release) => (await runPatch(release, { ...patchFlags, plan: true }, { world, report })).plan,
    async patch(release): Promise<PublishedFix> {
      const { plan, published } = await runPatch(release, patchFlags, { world, report });
      if (published === undefined) throw new OakumError('build', 'NOTHING_PUBLISHED', 'no change that fixes it builds');
      return { revision: published.revision, fixed: fixedBy(plan), images: published.images };
    },
    request: (release, plan) =>
      requestDecision(join(world.stateFolder, 'decisions', loaded.read.definition.name), release, plan),
  };
}

/** Scans what users have: the images of the release document in ./out, from the registry where they were pushed, and sets the clocks. */
async function scanPublished(release: string, { loaded, flags, world }: PartsContext): Promise<WatchedScan> {
  const { revision, images } = await readPublished(release, world);
  const targets = flags.to === undefined ? [revision] : images.map(({ repository, index }) => `${repository}@${index}`);
  const feeds = openFeedsOf(loaded.read, world);
  const now = world.clock.now();
  const subjects = await openTargets(targets, { world, ...(flags.plainHttp ? { plainHttp: true } : {}) });
  const matched = await scan(subjects, { feeds, now });
  const known = await findReachability(matched.reports, world.stateFolder, world);
  const { definition } = loaded.read;
  const { judgements, log } = await recordScan(withReachability(matched, known), {
    flags: {
      folder: flags.folder,
      published: flags.to !== undefined,
      ...(flags.sealKey === undefined ? {} : { key: flags.sealKey }),
      ...(flags.definition === undefined ? {} : { definition: flags.definition }),
    },
    feeds,
    world,
  });
  const { staying = [] } = loaded.lock?.revisions?.[revision] ?? {};
  const clocks = readClocks(toSlaPolicy(definition.sla), log, now);
  return {
    release: releaseOf(revision),
    revision,
    findings: toWatchedFindings(judgements),
    forecast: forecastBreaches(clocks, now),
    unbuildable: staying.flatMap(({ id, reason }) => (wasTried(reason) ? [id] : [])),
  };
}

async function readPublished(release: string, world: World) {
  const published = await readReleaseImages('out', world);
  const { revision } = published;
  if (revision.startsWith(`${release}.`) || revision.startsWith(`${release}-r`)) return published;
  throw new OakumError('usage', 'RELEASE_ABSENT', `./out holds ${revision}, not ${release}`, {
    where: published.file,
    hint: `Run \`oakum release ${release}\` here; a folder holds one release, so several are watched from several folders.`,
  });
}

/** The release that a revision is of. */
export function releaseOf(revision: string): string {
  return parseRevision(revision)?.release ?? revision;
}

/** The same plan has the same file, so that nobody is asked twice; what else was asked about the release is out of date. */
async function requestDecision(folder: string, release: string, plan: PatchPlan | undefined): Promise<string> {
  await mkdir(folder, { recursive: true });
  const content = plan === undefined ? '' : `${JSON.stringify(toRequest(plan), null, 2)}\n`;
  const name = `${release}-${hexOf(digestOf(content)).slice(0, 12)}.json`;
  for (const other of await readdir(folder)) {
    if (other.startsWith(`${release}-`) && other !== name) await rm(join(folder, other), { force: true });
  }
  const file = join(folder, name);
  if (plan !== undefined) await createFile(file, content, 0o644);
  return file;
}

/** What is to be decided: the changes, without what differs from run to run. */
function toRequest(plan: PatchPlan): unknown {
  const { release, revision, predecessor, toolchain } = plan;
  return {
    decide: 'patch',
    release,
    revision,
    predecessor,
    fixes: fixedBy(plan),
    toolchain: { from: toolchain.from, to: toolchain.to },
    components: plan.components
      .filter(({ overlay }) => overlay !== undefined)
      .map(({ component, changes, patches }) => ({
        component,
        changes: changes.map(({ path, from, to, findings }) => ({ path, from, to, findings })),
        patches,
      })),
    bases: plan.bases.flatMap(({ base, changes }) => (changes.length === 0 ? [] : [{ base, changes }])),
    yes: `oakum patch ${release}`,
  };
}
