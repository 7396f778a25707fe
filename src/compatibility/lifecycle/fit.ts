// SPDX-License-Identifier: Apache-2.0
import { type Calendar, type Cycle, cycleOf } from './calendar.ts';
import type { CompatibilityCell } from './cell.ts';
import { type Day, dayOf, earliestDay, latestDay } from './day.ts';
import { type EvidenceReading, readEvidence } from './evidence.ts';
import { compareMinors, minorAfter } from './minor.ts';
import { kubernetesOf, type Provider } from './products.ts';
import { lastDay, type LineWindow, type Stage, stageOn } from './windows.ts';

/** A provider's minor that holds a Kubernetes minor: `{ provider: 'openshift', cycle: '4.18', stage: 'extended', until: '2027-02-25' }`. */
export interface ProviderFit {
  readonly provider: Provider;
  readonly cycle: string;
  readonly stage: Stage;
  /** The last day of all its support, where one is known. */
  readonly until?: Day;
  /** Set where that follows from a rule, and was not published. */
  readonly isByRule?: true;
}

/**
 * A line and a Kubernetes minor that fit: since the line is for that minor (`window`), or since a provider supports it for longer
 * (`provider`).
 */
export interface Fit {
  readonly line: string;
  readonly kubernetes: string;
  readonly basis: 'window' | 'provider';
  /** Who has this minor, and supports it today. */
  readonly providers: readonly ProviderFit[];
  /** The last day on which both sides are supported, where one is known. */
  readonly until?: Day;
  /** What ends it when it comes out, where no day is known: a line of Flux, a minor of Kubernetes. */
  readonly endsWith: readonly { readonly product: 'flux' | 'kubernetes'; readonly cycle: string }[];
  /** What tests say, by channel. */
  readonly evidence: readonly EvidenceReading[];
}

/** What {@link readFits} puts together. */
export interface FitRequest {
  readonly lines: readonly LineWindow[];
  readonly kubernetes: Calendar;
  readonly providers: readonly { readonly provider: Provider; readonly calendar: Calendar }[];
  /** The one provider that is asked for: then only what it supports fits, and its days count. */
  readonly only?: Provider | undefined;
  /** How many Kubernetes minors a line is for. */
  readonly window: number;
  readonly channels: readonly string[];
  readonly cells: readonly CompatibilityCell[];
  /** The newest revision of a line. */
  readonly revisionOf: (line: string) => string | undefined;
  readonly now: Date;
}

/** Gives which supported lines fit which Kubernetes minors on the day of `now`, newest first, until when and on what evidence. */
export function readFits(request: FitRequest): readonly Fit[] {
  const lines = request.lines.filter(({ state }) => state === 'supported' || state === 'lts');
  const held = providerFits(request);
  return lines.flatMap((line) => fitsOfLine(line, held, request));
}

function fitsOfLine(
  line: LineWindow,
  held: ReadonlyMap<string, readonly ProviderFit[]>,
  request: FitRequest,
): readonly Fit[] {
  const { only } = request;
  const minors = [...new Set([...line.kubernetes, ...held.keys()])].sort((a, b) => compareMinors(b, a));
  return minors.flatMap((kubernetes): readonly Fit[] => {
    const providers = held.get(kubernetes) ?? [];
    const isInWindow = line.kubernetes.includes(kubernetes);
    if (only !== undefined && providers.length === 0) return [];
    // A provider's later end keeps an older minor alive; what is newer than the window has not been promised.
    if (!isInWindow && !isOlder(kubernetes, line.kubernetes)) return [];
    const until = earliestDay([line.until, isInWindow && only === undefined ? undefined : latestEnd(providers)]);
    return [
      {
        line: line.line,
        kubernetes,
        basis: isInWindow ? 'window' : 'provider',
        providers,
        ...(until === undefined ? {} : { until }),
        endsWith: endsWithOf(line, kubernetes, { isInWindow, until, request }),
        evidence: request.channels.map((channel) =>
          readEvidence(request.cells, contextOf(line, kubernetes, channel, request)),
        ),
      },
    ];
  });
}

/** Long-term support keeps the minors it has, whatever comes out. */
function endsWithOf(
  { state, endsWith }: LineWindow,
  kubernetes: string,
  of: { readonly isInWindow: boolean; readonly until: Day | undefined; readonly request: FitRequest },
): Fit['endsWith'] {
  if (of.until !== undefined || state === 'lts') return [];
  const minors = of.isInWindow && of.request.only === undefined ? [minorAfter(kubernetes, of.request.window)] : [];
  return [
    ...(endsWith === undefined ? [] : [{ product: 'flux', cycle: endsWith } as const]),
    ...minors.map((cycle) => ({ product: 'kubernetes', cycle }) as const),
  ];
}

function providerFits({ providers, only, now }: FitRequest): ReadonlyMap<string, readonly ProviderFit[]> {
  const today = dayOf(now);
  const fits = providers
    .filter(({ provider }) => only === undefined || provider === only)
    .flatMap(({ provider, calendar }) =>
      calendar.cycles.flatMap((cycle) => {
        const kubernetes = kubernetesOf(provider, cycle.cycle);
        const stage = stageOn(cycle, today);
        const isSupported = stage === 'standard' || stage === 'extended';
        return kubernetes === undefined || !isSupported ? [] : [{ kubernetes, fit: toFit(provider, cycle, stage) }];
      }),
    );
  return new Map(
    [...Map.groupBy(fits, ({ kubernetes }) => kubernetes)].map(([minor, list]) => [minor, list.map(({ fit }) => fit)]),
  );
}

function toFit(provider: Provider, cycle: Cycle, stage: Stage): ProviderFit {
  const until = lastDay(cycle);
  const isByRule = until !== undefined && cycle.extended?.from === 'rule' && cycle.extended.until === until;
  return {
    provider,
    cycle: cycle.cycle,
    stage,
    ...(until === undefined ? {} : { until }),
    ...(isByRule ? { isByRule } : {}),
  };
}

function isOlder(minor: string, than: readonly string[]): boolean {
  const oldest = than[0];
  return oldest !== undefined && compareMinors(minor, oldest) < 0;
}

/** One provider without a known end leaves the end open. */
function latestEnd(providers: readonly ProviderFit[]): Day | undefined {
  const days = providers.map(({ until }) => until);
  return days.includes(undefined) ? undefined : latestDay(days);
}

function contextOf(line: LineWindow, kubernetes: string, channel: string, request: FitRequest) {
  const patch = cycleOf(request.kubernetes, kubernetes)?.latest;
  return { line: line.line, kubernetes, channel, patch, revision: request.revisionOf(line.line), now: request.now };
}
