// SPDX-License-Identifier: Apache-2.0
import { VulnerabilityError } from '../error.ts';
import { clockKey, type ClockSubject, type SlaEvent } from './events.ts';
import { type Risk, rowFor } from './overlay.ts';
import type { SlaSeverity, SlaPolicy } from './policy.ts';
import { endOf } from './span.ts';

/**
 * Where a clock stands. `waiting`: it has not started, since there is no fix. `running`, `at-risk`, `breached`: open. `met`, `missed`:
 * a fix is published. `excused`: a VEX statement says not affected, or the advisory is withdrawn.
 */
export type SlaState = 'waiting' | 'running' | 'at-risk' | 'breached' | 'met' | 'missed' | 'excused';

/** What a clock shows at a moment. */
export interface SlaReading extends ClockSubject {
  readonly state: SlaState;
  readonly severity: SlaSeverity;
  readonly risk: Risk;
  readonly detectedAt: Date;
  readonly disclosedAt: Date | undefined;
  readonly fixAvailableAt: Date | undefined;
  readonly startedAt: Date | undefined;
  readonly dueAt: Date | undefined;
  /** What set the due moment: the policy's own time, or the name of an overlay. */
  readonly dueBy: string | undefined;
  readonly forensic: boolean;
  readonly patchedAt: Date | undefined;
  readonly publishedAt: Date | undefined;
  readonly revision: string | undefined;
  /** The first moment at which the clock was over time, by what was known then; it stays when a later score gives more time. */
  readonly breachedAt: Date | undefined;
  /** Why it stands so, as a sentence. */
  readonly reason: string;
}

/** What events up to some moment amount to. */
interface Fold {
  readonly subject: ClockSubject;
  readonly status: 'open' | 'published' | 'excused';
  readonly severity: SlaSeverity;
  readonly risk: Risk;
  /** When the risk that overlays look at became known as it is. */
  readonly riskAt: Date;
  readonly detectedAt: Date;
  readonly restartedAt: Date | undefined;
  readonly disclosedAt: Date | undefined;
  readonly fixAvailableAt: Date | undefined;
  readonly patchedAt: Date | undefined;
  readonly publishedAt: Date | undefined;
  readonly revision: string | undefined;
  readonly breachedAt: Date | undefined;
  readonly reason: string;
  /** The moment of the last event. */
  readonly lastAt: Date;
}

/**
 * Takes a policy and the events of one finding in order; gives what its clock shows at `now`, by the events up to then. Pure: no
 * timer and no date of its own, so an auditor a year later gets the same answer. Being assessed as under investigation does not
 * stop the clock; an excuse that is withdrawn gives no time back, and neither does reopening, unless the policy restarts it.
 * Throws `SLA_NOT_DETECTED`, `SLA_EVENTS_OUT_OF_ORDER`, `SLA_EVENTS_MIXED`.
 */
export function readSla(policy: SlaPolicy, events: readonly SlaEvent[], now: Date): SlaReading {
  requireOrder(events);
  const known = events.filter(({ at }) => new Date(at) <= now);
  const [first, rest] = beginning(known);
  let fold = first;
  for (const event of rest) {
    const at = new Date(event.at);
    fold = { ...step(policy, noteBreach(policy, fold, at), event), lastAt: at };
  }
  return toReading(policy, noteBreach(policy, fold, now), now);
}

/** Events of one clock are in the order of their time, and none tells of the future. */
function requireOrder(events: readonly SlaEvent[]): void {
  let before = '';
  for (const event of events) {
    const since = 'since' in event ? event.since : event.at;
    if (event.at < before || since > event.at)
      throw new VulnerabilityError(
        'SLA_EVENTS_OUT_OF_ORDER',
        `"${event.kind}" at ${event.at} ${event.at < before ? `comes after an event at ${before}` : `tells of ${since}, which is later`}`,
        { where: `${event.vulnerability} in ${event.product}` },
      );
    before = event.at;
  }
  const [first] = events;
  if (first !== undefined && events.some((event) => clockKey(event) !== clockKey(first)))
    throw new VulnerabilityError('SLA_EVENTS_MIXED', 'these events are of several findings', {
      where: `${first.vulnerability} in ${first.product}`,
    });
}

/** A history begins with detection; only what was so in the world already may stand before it. */
function beginning(events: readonly SlaEvent[]): readonly [Fold, readonly SlaEvent[]] {
  const at = events.findIndex(({ kind }) => kind === 'detected');
  const detected = events[at];
  const early = events.slice(0, Math.max(at, 0));
  const stray = early.find(({ kind }) => kind !== 'disclosed' && kind !== 'fix-available');
  if (detected?.kind !== 'detected' || stray !== undefined)
    throw new VulnerabilityError(
      'SLA_NOT_DETECTED',
      `the history ${events.length === 0 ? 'is empty' : 'does not begin with detection'}`,
      events[0] === undefined ? {} : { where: `${events[0].vulnerability} in ${events[0].product}` },
    );
  const detectedAt = new Date(detected.at);
  const fold: Fold = {
    subject: { vulnerability: detected.vulnerability, product: detected.product },
    status: 'open',
    severity: detected.severity,
    risk: detected.risk ?? {},
    riskAt: detectedAt,
    detectedAt,
    restartedAt: undefined,
    disclosedAt: undefined,
    fixAvailableAt: undefined,
    patchedAt: undefined,
    publishedAt: undefined,
    revision: undefined,
    breachedAt: undefined,
    reason: 'detected',
    lastAt: detectedAt,
  };
  return [early.reduce(learn, fold), events.slice(at + 1)];
}

/** What an event says about the world, not about us. */
function learn(fold: Fold, event: SlaEvent): Fold {
  if (event.kind === 'disclosed') return { ...fold, disclosedAt: earliest(fold.disclosedAt, new Date(event.since)) };
  if (event.kind === 'fix-available')
    return { ...fold, fixAvailableAt: earliest(fold.fixAvailableAt, new Date(event.since)) };
  return fold;
}

function step(policy: SlaPolicy, fold: Fold, event: SlaEvent): Fold {
  const at = new Date(event.at);
  switch (event.kind) {
    case 'disclosed':
    case 'fix-available':
      return learn(fold, event);
    case 'rescored': {
      const risk = event.risk ?? fold.risk;
      const riskAt = JSON.stringify(risk) === JSON.stringify(fold.risk) ? fold.riskAt : at;
      return { ...fold, severity: event.severity, risk, riskAt };
    }
    case 'assessed':
      if (event.status === 'not_affected') return excuse(fold, `not affected: ${event.reason}`);
      if (fold.status !== 'excused') return { ...fold, reason: event.reason };
      return { ...fold, status: fold.publishedAt === undefined ? 'open' : 'published', reason: event.reason };
    case 'patched':
      return { ...fold, patchedAt: fold.patchedAt ?? at };
    case 'published': {
      if (fold.publishedAt !== undefined) return fold;
      // What needs no fix is not late when it gets one.
      const status = fold.status === 'excused' ? 'excused' : 'published';
      const { revision } = event;
      return { ...fold, status, publishedAt: at, revision, reason: `published in ${revision}` };
    }
    case 'withdrawn':
      return excuse(fold, `advisory withdrawn: ${event.reason}`);
    case 'reopened': {
      const restarted = policy.reopened === 'restarts' ? { restartedAt: at, breachedAt: undefined } : {};
      const cleared = { patchedAt: undefined, publishedAt: undefined, revision: undefined };
      return { ...fold, ...cleared, ...restarted, status: 'open', reason: `reopened: ${event.reason}` };
    }
    default: // `detected`: seen again by another scan, nothing new.
      return fold;
  }
}

/** What is published stays published until it is reopened. */
function excuse(fold: Fold, reason: string): Fold {
  return fold.status === 'published' ? fold : { ...fold, status: 'excused', reason };
}

function earliest(a: Date | undefined, b: Date): Date {
  return a === undefined || b < a ? b : a;
}

interface Due {
  readonly startedAt: Date | undefined;
  readonly dueAt: Date | undefined;
  readonly dueBy: string | undefined;
  readonly forensic: boolean;
}

/** The earliest of the policy's own due moment and those of its overlays, which start when the risk became known. */
function dueOf(policy: SlaPolicy, fold: Fold): Due {
  const started = policy.startsOn === 'identification' ? fold.detectedAt : fixKnownAt(fold);
  const startedAt = started === undefined ? undefined : (fold.restartedAt ?? started);
  const own = startedAt && { at: endOf(policy.within[fold.severity], startedAt, policy.calendar), by: policy.name };
  const rows = policy.overlays.map((overlay) => ({ overlay, row: rowFor(overlay, fold.risk, policy.exposed) }));
  const overlaid = rows.flatMap(({ overlay, row }) => {
    if (row === undefined || row.within === 'none') return [];
    const from = fold.restartedAt ?? fold.riskAt;
    const span = row.within === 'catalogue' ? ({ amount: 14, unit: 'days' } as const) : row.within;
    const listed = row.within === 'catalogue' ? fold.risk.kev?.due : undefined;
    // A date in the catalogue is the last day on which it is met.
    const at = listed === undefined ? endOf(span, from, policy.calendar) : new Date(`${listed}T23:59:59.999Z`);
    return [{ at, by: overlay.name }];
  });
  const first = [...(own === undefined ? [] : [own]), ...overlaid].sort((a, b) => +a.at - +b.at)[0];
  const forensic = rows.some(({ row }) => row?.forensic === true);
  return {
    startedAt: startedAt ?? (first === undefined ? undefined : (fold.restartedAt ?? fold.riskAt)),
    dueAt: first?.at,
    dueBy: first?.by,
    forensic,
  };
}

/** Fixes are often published before what they fix is told: until then nobody can know that a release is one. */
function fixKnownAt({ fixAvailableAt, disclosedAt, detectedAt }: Fold): Date | undefined {
  if (fixAvailableAt === undefined || disclosedAt === undefined) return fixAvailableAt;
  const knownAt = earliest(disclosedAt, detectedAt);
  return fixAvailableAt > knownAt ? fixAvailableAt : knownAt;
}

/** Notes the first moment over time among those up to `until`, with what was known then. The due moment itself is in time. */
function noteBreach(policy: SlaPolicy, fold: Fold, until: Date): Fold {
  if (fold.status !== 'open' || fold.breachedAt !== undefined) return fold;
  const { dueAt } = dueOf(policy, fold);
  if (dueAt === undefined || until <= dueAt) return fold;
  return { ...fold, breachedAt: dueAt > fold.lastAt ? dueAt : fold.lastAt };
}

function toReading(policy: SlaPolicy, fold: Fold, now: Date): SlaReading {
  const { subject, status, severity, risk, detectedAt, disclosedAt, fixAvailableAt } = fold;
  const { patchedAt, publishedAt, revision, breachedAt } = fold;
  const due = dueOf(policy, fold);
  const state = stateOf(policy, fold, due, now);
  const waits = fold.reason === 'detected' ? '' : ` (${fold.reason})`;
  const reason = status === 'open' && fixAvailableAt === undefined ? `no upstream fix is known${waits}` : fold.reason;
  const world = { detectedAt, disclosedAt, fixAvailableAt };
  return { ...subject, state, severity, risk, ...world, ...due, patchedAt, publishedAt, revision, breachedAt, reason };
}

function stateOf(policy: SlaPolicy, fold: Fold, { startedAt, dueAt }: Due, now: Date): SlaState {
  if (fold.status === 'excused') return 'excused';
  if (fold.status === 'published')
    return dueAt === undefined || (fold.publishedAt ?? fold.detectedAt) <= dueAt ? 'met' : 'missed';
  if (startedAt === undefined || dueAt === undefined) return 'waiting';
  if (now > dueAt) return 'breached';
  const warnAt = +startedAt + ((+dueAt - +startedAt) * policy.warnAfterPercent) / 100;
  return +now >= warnAt ? 'at-risk' : 'running';
}

/** Takes the events of a whole log; gives what every clock shows at `now`, by product and vulnerability. Findings detected later are left out. */
export function readClocks(policy: SlaPolicy, events: readonly SlaEvent[], now: Date): readonly SlaReading[] {
  const groups = Map.groupBy(events, clockKey);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, own]) => {
      const seen = own.some(({ kind, at }) => kind === 'detected' && new Date(at) <= now);
      const known = own.filter(({ at }) => new Date(at) <= now);
      return seen || known.some(({ kind }) => kind !== 'disclosed' && kind !== 'fix-available')
        ? [readSla(policy, own, now)]
        : [];
    });
}
