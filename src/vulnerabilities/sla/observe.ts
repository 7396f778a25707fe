// SPDX-License-Identifier: Apache-2.0
import type { VexState } from '../vex/apply.ts';
import { clockKey, type ClockSubject, type SlaEvent } from './events.ts';
import type { Risk } from './overlay.ts';
import type { SlaSeverity } from './policy.ts';

/** A finding as a scan of the newest revision of a product saw it, judged by VEX. */
export interface ObservedFinding extends ClockSubject {
  /** Other names of the vulnerability: a clock that runs under one of them goes on. */
  readonly aliases?: readonly string[] | undefined;
  readonly severity: SlaSeverity;
  /** Source and vector of the score, for the record. */
  readonly source?: string | undefined;
  readonly vector?: string | undefined;
  readonly risk: Risk;
  /** When the advisory was published. */
  readonly disclosed?: Date | undefined;
  /** The version that fixes it, and since when there is one, where that is known. */
  readonly fix?: { readonly version: string; readonly since?: Date | undefined } | undefined;
  readonly state: VexState;
  /** The statement that decided, in short. */
  readonly reason?: string | undefined;
}

/** What the log last said of a clock. */
interface Known {
  readonly closed: boolean;
  readonly severity: SlaSeverity | undefined;
  readonly risk: Risk;
  readonly hasFix: boolean;
  readonly disclosed: boolean;
  readonly assessed: string | undefined;
}

/** A vulnerability seen in several packages or platforms of a product is as open as the worst of them. */
const WORST_FIRST: readonly VexState[] = ['open', 'under_investigation', 'fixed', 'not_affected'];

/**
 * Takes the events so far, what a scan saw and when; gives the events that are new: found for the first time, scored otherwise, fixed
 * upstream, assessed otherwise, or found again after a fix was published. A scan that sees nothing new gives none. What a scan no
 * longer sees is not closed by that: publishing and withdrawal are events of their own.
 */
export function observeFindings(
  events: readonly SlaEvent[],
  findings: readonly ObservedFinding[],
  now: Date,
): readonly SlaEvent[] {
  const known = Map.groupBy(events, clockKey);
  const seen = new Map<string, ObservedFinding>();
  for (const finding of findings) {
    const { product, vulnerability, aliases = [] } = finding;
    const names = [vulnerability, ...aliases];
    const name =
      names.find((one) => known.has(clockKey({ product, vulnerability: one }))) ??
      names.find((one) => seen.has(clockKey({ product, vulnerability: one }))) ??
      vulnerability;
    const key = clockKey({ product, vulnerability: name });
    const other = seen.get(key);
    if (other === undefined || WORST_FIRST.indexOf(finding.state) < WORST_FIRST.indexOf(other.state))
      seen.set(key, { ...finding, vulnerability: name });
  }
  return [...seen].flatMap(([key, finding]) => newEvents(whatIsKnown(known.get(key) ?? []), finding, now));
}

/** A revision that can be pulled, and what a scan still finds in it. */
export interface Publication {
  readonly product: string;
  readonly revision: string;
  readonly digest?: string | undefined;
  /** Every name of every vulnerability that is still there. */
  readonly remaining: ReadonlySet<string>;
}

/** Takes the events so far and a publication; gives an event for each open clock of the product whose vulnerability is gone. */
export function observePublication(
  events: readonly SlaEvent[],
  { product, revision, digest, remaining }: Publication,
  now: Date,
): readonly SlaEvent[] {
  const own = Map.groupBy(
    events.filter((event) => event.product === product),
    ({ vulnerability }) => vulnerability,
  );
  return [...own].flatMap(([vulnerability, history]): SlaEvent[] => {
    const known = whatIsKnown(history);
    if (known === undefined || known.closed || remaining.has(vulnerability)) return [];
    const shared = { at: now.toISOString(), vulnerability, product, revision };
    return [{ kind: 'published', ...shared, ...(digest === undefined ? {} : { digest }) }];
  });
}

function whatIsKnown(events: readonly SlaEvent[]): Known | undefined {
  let known: Known = {
    closed: false,
    severity: undefined,
    risk: {},
    hasFix: false,
    disclosed: false,
    assessed: undefined,
  };
  for (const event of events) {
    if (event.kind === 'disclosed') known = { ...known, disclosed: true };
    if (event.kind === 'detected' || event.kind === 'rescored')
      known = { ...known, severity: event.severity, risk: event.risk ?? known.risk };
    if (event.kind === 'fix-available') known = { ...known, hasFix: true };
    if (event.kind === 'assessed') known = { ...known, assessed: `${event.status} ${event.reason}` };
    if (event.kind === 'published' || event.kind === 'withdrawn') known = { ...known, closed: true };
    if (event.kind === 'reopened') known = { ...known, closed: false };
  }
  return known.severity === undefined ? undefined : known;
}

function newEvents(known: Known | undefined, finding: ObservedFinding, now: Date): readonly SlaEvent[] {
  const { vulnerability, product, severity, source, vector, risk, disclosed, fix } = finding;
  const shared = { at: now.toISOString(), vulnerability, product };
  const scored = {
    severity,
    risk: toRisk(risk),
    ...(source === undefined ? {} : { source }),
    ...(vector === undefined ? {} : { vector }),
  };
  const events: SlaEvent[] = [];
  if (known?.disclosed !== true && disclosed !== undefined && disclosed <= now)
    events.push({ kind: 'disclosed', ...shared, since: disclosed.toISOString() });
  if (known === undefined) events.push({ kind: 'detected', ...shared, ...scored });
  else if (known.closed && finding.state === 'open')
    events.push({ kind: 'reopened', ...shared, reason: 'found again in the newest revision' });
  if (known !== undefined && (known.severity !== severity || text(known.risk) !== text(risk)))
    events.push({ kind: 'rescored', ...shared, ...scored });
  if (known?.hasFix !== true && fix !== undefined) {
    const since = fix.since === undefined || fix.since > now ? now : fix.since;
    events.push({ kind: 'fix-available', ...shared, since: since.toISOString(), version: fix.version });
  }
  return [...events, ...assessment(known, finding, shared)];
}

/** A finding that was never assessed and is open needs no event; `fixed` is told by publishing. */
function assessment(
  known: Known | undefined,
  { state, reason = '' }: ObservedFinding,
  shared: Pick<SlaEvent, 'at' | 'vulnerability' | 'product'>,
): readonly SlaEvent[] {
  if (state === 'fixed') return [];
  const status = state === 'open' ? 'affected' : state;
  const isNew =
    known?.assessed === undefined ? state !== 'open' || reason !== '' : known.assessed !== `${status} ${reason}`;
  return isNew ? [{ kind: 'assessed', ...shared, status, reason }] : [];
}

/** Without what is undefined, as the log has it. */
function toRisk(risk: Risk): NonNullable<Extract<SlaEvent, { kind: 'detected' }>['risk']> {
  return JSON.parse(JSON.stringify(risk)) as NonNullable<Extract<SlaEvent, { kind: 'detected' }>['risk']>;
}

function text({ kev, automatable, impact }: Risk): string {
  return JSON.stringify([kev ?? null, automatable ?? null, impact ?? null]);
}
