// SPDX-License-Identifier: Apache-2.0
import type { Digest } from '#core';
import type { NoticeDraft } from '#notifications';
import type { PatchPlan } from '#patch';
import {
  type FeedReading,
  type Forecast,
  type ScannedSubject,
  type SlaSeverity,
  toSlaSeverity,
  type VexJudgement,
} from '#vulnerabilities';

/** An open vulnerability in one package of a revision, whichever images hold it. */
export interface WatchedFinding {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly severity: SlaSeverity;
  readonly exploited: boolean;
  readonly package: string;
  readonly version: string;
  readonly fix: string | undefined;
  readonly summary: string;
  readonly components: readonly string[];
}

/** What a scan of the published revision found, and which of its clocks run. */
export interface WatchedScan {
  readonly release: string;
  readonly revision: string;
  readonly findings: readonly WatchedFinding[];
  readonly forecast: readonly Forecast[];
  /** Findings of this revision whose fix is known not to build. */
  readonly unbuildable: readonly string[];
}

/** A revision that was published, and what it fixed. */
export interface PublishedFix {
  readonly revision: string;
  readonly fixed: readonly string[];
  readonly images: readonly { readonly name: string; readonly tag: string; readonly digest: Digest }[];
}

/** Gives the findings of a judged scan that count, each package's flaw once: neither what is fixed nor what does not affect. */
export function toWatchedFindings(judgements: readonly VexJudgement<ScannedSubject>[]): readonly WatchedFinding[] {
  const open = judgements.filter(({ state }) => state === 'open' || state === 'under_investigation');
  const grouped = Map.groupBy(open, ({ finding: { finding } }) => `${finding.package.name}\n${finding.id}`);
  return [...grouped.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { id, ids, severity, kev, fix, summary, package: found } = first.finding.finding;
    const components = group.map(({ finding }) => finding.component ?? finding.target);
    return {
      id,
      aliases: ids.filter((name) => name !== id),
      severity: toSlaSeverity(severity.rating),
      exploited: kev !== undefined,
      package: found.name,
      version: found.version,
      fix,
      summary,
      components: [...new Set(components)].toSorted(),
    };
  });
}

/** Gives all that a plan fixes. */
export function fixedBy({ components, toolchain, bases }: PatchPlan): readonly string[] {
  return [...new Set([...components, toolchain, ...bases].flatMap(({ fixed }) => fixed))].toSorted();
}

/** Gives the findings of a published revision that a plan would fix, but for those whose fix was tried and does not build. */
export function newlyFixed(plan: PatchPlan, { findings, unbuildable }: WatchedScan): readonly WatchedFinding[] {
  const fixed = new Set(fixedBy(plan));
  const tried = new Set(unbuildable);
  return findings.filter(({ id, aliases }) => {
    const names = [id, ...aliases];
    return names.some((name) => fixed.has(name)) && !names.some((name) => tried.has(name));
  });
}

/** What is known of a feed that is not fresh; told once for each time that it was good before. */
export function feedDrafts(feeds: readonly FeedReading[]): readonly NoticeDraft[] {
  return feeds
    .filter(({ state }) => state !== 'fresh')
    .map(({ name, state, reason, checkedAt, digest }) => ({
      kind: 'feed.stale',
      subject: name,
      text: `The feed ${name} is ${state}${reason === undefined ? '' : `: ${reason}`}`,
      data: { feed: name, state, reason, checkedAt },
      // What failed was good at its last check; what is held and grows old has the same content all the while.
      key: [name, state, (state === 'faulty' ? checkedAt?.toISOString() : digest) ?? ''],
    }));
}

/** A finding is new once for a line, not anew for each revision that still has it. */
export function findingDrafts({ release, revision, findings }: WatchedScan): readonly NoticeDraft[] {
  const line = release.split('.').slice(0, 2).join('.');
  return findings.map((finding) => ({
    kind: 'finding.new',
    subject: finding.id,
    text: `${finding.id} (${finding.severity}${finding.exploited ? ', exploited' : ''}) in ${finding.package} ${finding.version} of ${revision}: ${finding.summary}. ${finding.fix === undefined ? 'No fix is known' : `Fixed in ${finding.fix}`}. In ${finding.components.join(', ')}.`,
    data: { revision, ...finding },
    key: [line, finding.id, finding.package],
  }));
}

/** A breach ahead; told anew when it moves. */
export function breachDraft(forecast: Forecast): NoticeDraft {
  const { vulnerability, product, severity, dueAt, hoursLeft, fixAvailable } = forecast;
  return {
    kind: 'breach.ahead',
    subject: vulnerability,
    text: `${vulnerability} (${severity}) in ${product} breaches in ${hoursLeft} hours, at ${dueAt.toISOString()}, unless a fix is published. ${fixAvailable ? 'There is a fix.' : 'No fix is known.'}`,
    data: { ...forecast },
    key: [product, vulnerability, dueAt.toISOString()],
  };
}

/** A release of upstream that nobody watches yet. */
export function upstreamDraft(release: string, version: string): NoticeDraft {
  const text = `Flux ${version} is out; ${release} is watched. \`oakum release ${version}\` builds it.`;
  return { kind: 'release.upstream', subject: version, text, data: { watched: release, version }, key: [version] };
}

/** A plan that a person has to decide on. */
export function decisionDraft(plan: PatchPlan, file: string): NoticeDraft {
  const { release, revision } = plan;
  const fixed = fixedBy(plan);
  return {
    kind: 'decision.needed',
    subject: revision,
    text: `${revision} would fix ${fixed.join(', ') || 'no finding, and make its base newer'}. \`oakum patch ${release}\` makes it; \`oakum patch ${release} --plan\` shows it.`,
    data: { release, revision, fixed, file },
    key: [file],
  };
}

/** A revision that can be pulled. */
export function fixDraft({ revision, fixed, images }: PublishedFix): NoticeDraft {
  const text = `${revision} is published. It fixes ${fixed.join(', ') || 'no finding'}.`;
  return { kind: 'fix.published', subject: revision, text, data: { revision, fixed, images }, key: [revision] };
}

/** A revision that could not be made; told once for each reason. */
export function failureDraft(revision: string, message: string): NoticeDraft {
  const text = `${revision} could not be made: ${message}`;
  return { kind: 'build.failed', subject: revision, text, data: { revision, message }, key: [revision, message] };
}
