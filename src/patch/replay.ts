// SPDX-License-Identifier: Apache-2.0
import {
  observeFindings,
  type ObservedFinding,
  observePublication,
  reportSla,
  type SlaEvent,
  type SlaPolicy,
  type SlaReport,
} from '#vulnerabilities';

/** A finding of the past: since when the world could know of it, and since when its fix could be had; undefined where there is none. */
export interface PastFinding {
  readonly finding: ObservedFinding;
  readonly disclosed: Date;
  readonly fixed: Date | undefined;
}

/** How a distribution is run: how often it looks, and how long from a plan to images that can be pulled. */
export interface ReplayPace {
  readonly everyMilliseconds: number;
  readonly buildMilliseconds: number;
}

/** What is replayed, and by which promises it is judged. */
export interface ReplayRequest {
  readonly findings: readonly PastFinding[];
  readonly from: Date;
  readonly to: Date;
  readonly pace: ReplayPace;
  readonly policies: readonly SlaPolicy[];
}

/** What would have happened to one vulnerability in one product. Undefined moments never came. */
export interface ReplayedFinding {
  readonly vulnerability: string;
  readonly product: string;
  readonly disclosed: Date;
  readonly fixed: Date | undefined;
  readonly detected: Date;
  readonly published: Date | undefined;
  /** From when advisory and fix were both public to when the fix was published; undefined where that began before the replay. */
  readonly days: number | undefined;
}

/** The measured answer. `days` counts what began within the time: nearest rank of all fixes. */
export interface Replay {
  readonly from: Date;
  readonly to: Date;
  readonly findings: readonly ReplayedFinding[];
  readonly days: { readonly fixes: number; readonly median?: number; readonly p90?: number; readonly most?: number };
  readonly reports: readonly SlaReport[];
  readonly events: readonly SlaEvent[];
}

const DAY = 86_400_000;

/**
 * Walks from one moment to another at the given pace: at each look what is known by then is noted, everything with a fix that can be had is
 * patched together, and published when it is built. Pure; the clocks are those of the SLA. A look during a build waits for its end.
 */
export function replay({ findings, from, to, pace, policies }: ReplayRequest): Replay {
  const { everyMilliseconds, buildMilliseconds } = pace;
  const step = Math.max(everyMilliseconds, buildMilliseconds);
  const events: SlaEvent[] = [];
  const published = new Map<PastFinding, Date>();
  const detected = new Map<PastFinding, Date>();
  for (let look = +from; look <= +to; look += step) {
    const now = new Date(look);
    const open = findings.filter((one) => one.disclosed <= now && !published.has(one));
    for (const one of open) if (!detected.has(one)) detected.set(one, now);
    events.push(
      ...observeFindings(
        events,
        open.map((one) => asKnown(one, now)),
        now,
      ),
    );
    const patched = open.filter(({ fixed }) => fixed !== undefined && fixed <= now);
    const done = new Date(look + buildMilliseconds);
    if (done > to) continue;
    for (const one of patched) published.set(one, done);
    events.push(...publish({ events, patched, open, number: look }, done));
  }
  const replayed = findings
    .filter((one) => detected.has(one))
    .map((one) => toReplayed(one, { from, detected, published }));
  return {
    from,
    to,
    findings: replayed,
    days: summarise(replayed),
    reports: policies.map((policy) => reportSla(policy, events, { from, to })),
    events,
  };
}

/** A fix that is not there yet is not known yet. */
function asKnown({ finding, disclosed, fixed }: PastFinding, now: Date): ObservedFinding {
  const { fix, ...rest } = finding;
  const known = fix !== undefined && fixed !== undefined && fixed <= now;
  return { ...rest, disclosed, fix: known ? { version: fix.version, since: fixed } : undefined };
}

interface Publishing {
  readonly events: readonly SlaEvent[];
  readonly patched: readonly PastFinding[];
  readonly open: readonly PastFinding[];
  readonly number: number;
}

function publish({ events, patched, open, number }: Publishing, at: Date): readonly SlaEvent[] {
  const products = [...new Set(patched.map(({ finding }) => finding.product))];
  return products.flatMap((product) => {
    const left = open.filter((one) => one.finding.product === product && !patched.includes(one));
    const remaining = new Set(left.flatMap(({ finding }) => [finding.vulnerability, ...(finding.aliases ?? [])]));
    const revision = `patched ${new Date(number).toISOString().slice(0, 10)}`;
    return observePublication(events, { product, revision, remaining }, at);
  });
}

interface Course {
  readonly from: Date;
  readonly detected: ReadonlyMap<PastFinding, Date>;
  readonly published: ReadonlyMap<PastFinding, Date>;
}

function toReplayed(one: PastFinding, { from, detected, published }: Course): ReplayedFinding {
  const { finding, disclosed, fixed } = one;
  const { vulnerability, product } = finding;
  const done = published.get(one);
  const begin = fixed === undefined ? undefined : new Date(Math.max(+disclosed, +fixed));
  const counts = begin !== undefined && done !== undefined && begin >= from;
  return {
    vulnerability,
    product,
    disclosed,
    fixed,
    detected: detected.get(one) as Date,
    published: done,
    days: counts ? (+done - +begin) / DAY : undefined,
  };
}

function summarise(findings: readonly ReplayedFinding[]): Replay['days'] {
  const days = findings.flatMap((one) => one.days ?? []).sort((a, b) => a - b);
  const rank = (percent: number) => days[Math.max(0, Math.ceil((percent / 100) * days.length) - 1)] as number;
  if (days.length === 0) return { fixes: 0 };
  return { fixes: days.length, median: rank(50), p90: rank(90), most: rank(100) };
}
