// SPDX-License-Identifier: Apache-2.0
import { type Clock, messageOf, OakumError, type Report } from '#core';
import type { FailedDelivery, Notice, NoticeDraft, Post } from '#notifications';
import { toNotice } from '#notifications';
import type { PatchPlan } from '#patch';
import type { FeedReading, SlaSeverity } from '#vulnerabilities';
import {
  breachDraft,
  decisionDraft,
  failureDraft,
  feedDrafts,
  findingDrafts,
  fixDraft,
  newlyFixed,
  type PublishedFix,
  upstreamDraft,
  type WatchedScan,
} from './watch-notices.ts';

/** What may be done without asking. */
export interface WatchPolicy {
  readonly patch: 'auto' | 'ask';
  /** With `auto`: patched by itself where an open finding with a fix has one of these severities. */
  readonly automatic: readonly SlaSeverity[];
  /** A breach is told of when it is at most this many hours ahead. */
  readonly breachWithin: number;
}

/** The steps of a round. Each may throw: the round goes on with what does not depend on it. */
export interface WatchParts {
  readonly refreshFeeds: () => Promise<readonly FeedReading[]>;
  /** Upstream releases that are newer than what is watched, a line or a release. */
  readonly newerReleases: (release: string) => Promise<readonly string[]>;
  /** Scans the newest revision that is published, and notes it in the SLA log. */
  readonly scan: (release: string) => Promise<WatchedScan>;
  readonly plan: (release: string) => Promise<PatchPlan>;
  /** Makes and publishes the planned revision. */
  readonly patch: (release: string) => Promise<PublishedFix>;
  /** Writes the request to decide on a plan; gives its file. Older requests about the release are taken back; all, without a plan. */
  readonly request: (release: string, plan: PatchPlan | undefined) => Promise<string>;
}

/** One round of {@link watchRound}. */
export interface RoundRequest {
  /** Lines or releases. */
  readonly releases: readonly string[];
  readonly policy: WatchPolicy;
  readonly parts: WatchParts;
  readonly post: Post;
  readonly clock: Clock;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** A step that could not be done. */
export interface WatchFault {
  readonly step: string;
  readonly release?: string;
  readonly code: string;
  readonly message: string;
}

/** What a round did. */
export interface RoundOutcome {
  readonly at: Date;
  readonly told: readonly Notice[];
  readonly published: readonly string[];
  /** Files of decisions that wait for a person. */
  readonly decisions: readonly string[];
  /** Revisions that could not be made. */
  readonly failed: readonly string[];
  readonly faults: readonly WatchFault[];
  readonly undelivered: readonly FailedDelivery[];
}

/** The code of the error that says that another patch with the same lock runs. */
export const PATCH_BUSY = 'PATCH_BUSY';

interface Round extends RoundRequest {
  readonly tell: (drafts: readonly NoticeDraft[]) => Promise<void>;
  /** Runs a step; notes why it failed, and gives undefined then. */
  readonly attempt: <T>(step: string, release: string | undefined, run: () => Promise<T>) => Promise<T | undefined>;
  readonly outcome: {
    readonly told: Notice[];
    readonly published: string[];
    readonly decisions: string[];
    readonly failed: string[];
    readonly faults: WatchFault[];
  };
}

/**
 * Runs one round: feeds, then for each release what is new upstream, its scan and clocks, its plan, and the patch or the request to
 * decide. What there is to say is told as soon as it is known, each thing once ever. Every step can be done again, so a round that
 * was cut off is finished by the next. Throws only the signal's reason, and what the post throws.
 */
export async function watchRound(request: RoundRequest): Promise<RoundOutcome> {
  const at = request.clock.now();
  const round = openRound(request);
  const feeds = await round.attempt('refresh feeds', undefined, request.parts.refreshFeeds);
  await round.tell(feedDrafts(feeds ?? []));
  for (const release of request.releases) await watchRelease(release, round);
  return { at, ...round.outcome, undelivered: await request.post.deliver() };
}

/** Runs rounds for ever, each so many hours after the start of the one before, or at once where that took longer. */
export async function repeatRounds(
  everyHours: number,
  round: () => Promise<void>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<never> {
  for (;;) {
    const next = clock.now().getTime() + everyHours * 3_600_000;
    await round();
    signal.throwIfAborted();
    await clock.sleep(Math.max(0, next - clock.now().getTime()), signal);
  }
}

async function watchRelease(release: string, round: Round): Promise<void> {
  const { parts } = round;
  const newer = await round.attempt('look for upstream releases', release, () => parts.newerReleases(release));
  await round.tell((newer ?? []).map((version) => upstreamDraft(release, version)));
  const scan = await scanOnce(release, round);
  if (scan === undefined) return;
  const plan = await round.attempt('plan', release, () => parts.plan(scan.release));
  if (plan === undefined) return;
  if (mayPatch(plan, scan, round.policy)) await patchOnce(plan, scan, round);
  const isAsked = mayAsk(plan, scan) && !mayPatch(plan, scan, round.policy);
  const file = await round.attempt('request a decision', release, () =>
    parts.request(scan.release, isAsked ? plan : undefined),
  );
  if (!isAsked || file === undefined) return;
  round.outcome.decisions.push(file);
  await round.tell([decisionDraft(plan, file)]);
}

async function scanOnce(release: string, round: Round): Promise<WatchedScan | undefined> {
  const scan = await round.attempt('scan', release, () => round.parts.scan(release));
  if (scan === undefined) return undefined;
  const ahead = scan.forecast.filter(({ hoursLeft }) => hoursLeft <= round.policy.breachWithin);
  await round.tell([...findingDrafts(scan), ...ahead.map(breachDraft)]);
  return scan;
}

/** A revision that the lock has already, but that is not published, was cut off: it is finished as it was begun. */
function mayPatch(plan: PatchPlan, scan: WatchedScan, policy: WatchPolicy): boolean {
  if (policy.patch !== 'auto') return false;
  if (plan.verdict === 'held') return scan.revision !== plan.predecessor;
  if (plan.verdict !== 'changes') return false;
  return newlyFixed(plan, scan).some(({ severity }) => policy.automatic.includes(severity));
}

/** Without a finding that goes there is nothing to decide: newer packages alone are no reason for a revision. */
function mayAsk(plan: PatchPlan, scan: WatchedScan): boolean {
  return plan.verdict === 'changes' && newlyFixed(plan, scan).length > 0;
}

async function patchOnce(plan: PatchPlan, scan: WatchedScan, round: Round): Promise<void> {
  await round.post.deliver(); // building takes minutes: nobody waits for it to hear of the finding
  const revision = plan.verdict === 'held' ? plan.predecessor : plan.revision;
  const fix = await round.attempt('patch', scan.release, () => round.parts.patch(scan.release));
  if (fix === undefined) {
    const { code, message } = round.outcome.faults.at(-1) ?? { code: '', message: '' };
    if (code === PATCH_BUSY) return; // somebody patches by hand just now: the next round sees what came of it
    round.outcome.failed.push(revision);
    await round.tell([failureDraft(revision, message)]);
    return;
  }
  round.outcome.published.push(fix.revision);
  await round.tell([fixDraft(fix)]);
  await scanOnce(scan.release, round); // so that the clocks of what is gone stop
}

function openRound(request: RoundRequest): Round {
  const { post, clock, report, signal } = request;
  const outcome: Round['outcome'] = { told: [], published: [], decisions: [], failed: [], faults: [] };
  return {
    ...request,
    outcome,
    async tell(drafts) {
      const now = clock.now();
      outcome.told.push(...(await post.tell(drafts.map((draft) => toNotice(draft, now)))));
    },
    async attempt(step, release, run) {
      signal.throwIfAborted();
      try {
        return await run();
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        // Whatever it is, a watch that goes on and says so is better than one that has died unseen.
        const code = error instanceof OakumError ? error.code : 'DEFECT';
        const message = messageOf(error);
        outcome.faults.push({ step, ...(release === undefined ? {} : { release }), code, message });
        report({ kind: 'warning', message: `${release === undefined ? '' : `${release}: `}${step}: ${message}` });
        return undefined;
      }
    },
  };
}
