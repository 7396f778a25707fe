// SPDX-License-Identifier: Apache-2.0
import { OakumError, type Report } from '#core';
import { type Lock, replaceLock } from '#definition';
import {
  type ImageChanges,
  lockTool,
  PATCH_BUSY,
  type PatchRequest,
  planRevision,
  proveRevision,
  type ReleaseOutcome,
} from '#factory';
import type { PatchPlan } from '#patch';
import { parseRevision } from '#release';
import { formatChangelog } from '../changelog-text.ts';
import { whileAlone } from '../exclusive.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { openFeedsOf } from '../feed-settings.ts';
import { formatPlan } from '../plan-text.ts';
import { formatImages, type PublishFlags, publishRevision } from '../publish-revision.ts';
import { openRun, type Run, type SelectionFlags } from '../run.ts';
import { print, withProgress } from '../session.ts';
import { loadDefinition } from '../shop.ts';
import type { World } from '../world.ts';
import { readChanges } from './changelog.ts';

/** Flags of `oakum patch`. */
export interface PatchFlags extends SelectionFlags, PublishFlags {
  readonly plan?: boolean;
  readonly lockOnly?: boolean;
  readonly withinUpstream?: boolean;
}

/** What a patch run did: its plan, and where it published, the revision and what changed since the one before. */
export interface PatchOutcome {
  readonly plan: PatchPlan;
  readonly published?: ReleaseOutcome;
  readonly since?: string;
  readonly changes?: readonly ImageChanges[];
}

/**
 * `oakum patch`: plans the next revision, compiles what it changes, writes it into the lock and publishes it. With --plan it shows
 * alone which findings would go, by which least changes, and what stays and why.
 */
export async function patch(version: string, flags: PatchFlags, world: World): Promise<void> {
  const outcome = await withProgress(flags, world, (report) => runPatch(version, flags, { world, report }));
  print(flags, { ...outcome.plan, published: outcome.published, since: outcome.since, changes: outcome.changes }, () =>
    describe(outcome),
  );
  if (isUnchecked(outcome.plan)) process.exitCode = EXIT_CODES.network.code;
}

interface PatchContext {
  readonly world: World;
  readonly report: Report;
}

/**
 * Runs a patch without printing. A revision that the lock holds already is published again as far as it is not: a run that was cut
 * off is finished. All but a plan runs once at a time for a lock file: throws `PATCH_BUSY`.
 */
export async function runPatch(version: string, flags: PatchFlags, context: PatchContext): Promise<PatchOutcome> {
  if (flags.plan === true) return runAlone(version, flags, context);
  const { lockFile } = await loadDefinition(flags, context.world);
  const exclusive = {
    file: `${lockFile}.patching`,
    code: PATCH_BUSY,
    message: 'another patch with this lock runs',
    hint: 'Wait until it has ended, then run again: what it has done is not done again. If that process is no Oakum, remove the file.',
  };
  return whileAlone(exclusive, () => runAlone(version, flags, context));
}

async function runAlone(version: string, flags: PatchFlags, { world, report }: PatchContext): Promise<PatchOutcome> {
  const run = await openRun(version, flags, { world, report, platforms: 'all', keepLock: false });
  const { loaded, shop, selection, release } = run;
  const { definition, file: definitionFile } = loaded.read;
  const policy = { pastUpstream: flags.withinUpstream !== true };
  const tests = flags.tests !== false;
  const feeds = openFeedsOf(loaded.read, world);
  const planned = { definition, definitionFile, lock: run.lock, release, selection, policy, tests };
  if (flags.plan === true) return { plan: await planRevision(planned, shop, feeds) };
  if (!tests && flags.lockOnly === true)
    report({ kind: 'note', message: "upstream's unit tests are not run: nothing shows that they still pass" });
  const lock = flags.reachability === false ? run.lock : await withAnalyser(run, flags);
  const request: PatchRequest = { ...planned, lock };
  const { plan, lock: revised } = await proveRevision(request, shop, feeds);
  if (revised !== undefined) await replaceLock(loaded.lockFile, loaded.lock, revised);
  const revision = revised === undefined ? plan.predecessor : plan.revision;
  if (flags.lockOnly === true || plan.verdict === 'nothing') return { plan };
  return { plan, ...(await publish(revision, { ...run, lock: revised ?? lock }, { flags, world, report })) };
}

/** The program that analyses what is patched is locked as the sources are. */
async function withAnalyser({ loaded, lock, shop }: Run, { locked = false }: PatchFlags): Promise<Lock> {
  const { definition } = loaded.read;
  return (await lockTool('govulncheck', { definition, lock, lockFile: loaded.lockFile, locked }, shop)).lock;
}

async function publish(
  revision: string,
  run: Run,
  context: PatchContext & { readonly flags: PatchFlags },
): Promise<Omit<PatchOutcome, 'plan'>> {
  const { flags, world, report } = context;
  const machineOnly = flags.to === undefined && flags.platform === undefined;
  const platforms = machineOnly ? [run.shop.machine.platform] : run.selection.platforms;
  const number = parseRevision(revision)?.number ?? 0;
  const published = await publishRevision({ ...run, selection: { ...run.selection, platforms } }, number, context);
  const before = run.lock.revisions?.[revision]?.predecessor;
  if (before === undefined) return { published };
  try {
    const place = { ...flags, layout: `${flags.out}/oci`, component: run.selection.components };
    const loaded = { ...run.loaded, lock: run.lock satisfies Lock };
    return {
      published,
      since: before,
      changes: await readChanges({ before, after: revision }, loaded, { flags: place, world }),
    };
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    report({ kind: 'note', message: `${revision} can't be compared with ${before}: ${error.message}` });
    return { published };
  }
}

function describe({ plan, published, since, changes }: PatchOutcome): string {
  const text = formatPlan(plan);
  if (published === undefined) return text;
  const images = `\n${formatImages(published)}\nPublished ${published.revision}\n`;
  if (changes === undefined || since === undefined) return text + images;
  return `${text}${images}\n${formatChangelog(published.revision, since, changes)}`;
}

/** A plan that says there is nothing to do while not everything could be checked must not pass for good news. */
function isUnchecked({ verdict, components, bases }: PatchPlan): boolean {
  return verdict === 'nothing' && [...components, ...bases].some((one) => one.gaps.length > 0);
}
