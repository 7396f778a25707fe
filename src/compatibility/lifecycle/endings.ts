// SPDX-License-Identifier: Apache-2.0
import type { Calendar, Cycle } from './calendar.ts';
import { type Day, daysUntil } from './day.ts';
import { kubernetesOf, PRODUCT_FACTS, PROVIDERS } from './products.ts';
import type { LineWindow } from './windows.ts';

/** Something that is supported and will not be for long. */
export interface Ending {
  /** Its last day. */
  readonly day: Day;
  readonly days: number;
  readonly what: string;
}

/** What {@link readEndings} looks at. */
export interface EndingRequest {
  readonly lines: readonly LineWindow[];
  readonly kubernetes: Calendar;
  readonly providers: readonly Calendar[];
  readonly today: Day;
  /** How many days count as soon. */
  readonly within: number;
}

/**
 * Gives what ends within some days, soonest first: lines, and for every Kubernetes minor that a supported line is for, or that a provider
 * still supports, upstream's and the providers' ends.
 */
export function readEndings(request: EndingRequest): readonly Ending[] {
  const { lines, kubernetes, providers } = request;
  const ours = lines.filter(({ state }) => state === 'supported' || state === 'lts');
  const wanted = new Set(ours.flatMap((line) => line.kubernetes));
  const upstream = kubernetes.cycles.filter(({ cycle }) => wanted.has(cycle));
  const found = [
    ...ours.flatMap(({ line, until, lts }) =>
      until === undefined
        ? []
        : [{ until, what: `${PRODUCT_FACTS.flux.title} ${line}: ${until === lts ? 'long-term support' : 'support'}` }],
    ),
    ...upstream.flatMap((cycle) =>
      endsOf(cycle, { title: PRODUCT_FACTS.kubernetes.title, standard: 'upstream support' }),
    ),
    ...providers.flatMap(endsOfProvider),
  ];
  return found
    .map(({ until, what }) => ({ day: until, days: daysUntil(request.today, until), what }))
    .filter(({ days }) => days >= 0 && days <= request.within)
    .sort((a, b) => a.days - b.days || (a.what < b.what ? -1 : 1));
}

function endsOfProvider({ product, cycles }: Calendar): readonly { readonly until: Day; readonly what: string }[] {
  const provider = PROVIDERS.find((name) => name === product);
  if (provider === undefined) return [];
  const { title, extended } = PRODUCT_FACTS[provider];
  return cycles.flatMap((cycle) => {
    const minor = kubernetesOf(provider, cycle.cycle);
    const inside = minor === undefined || minor === cycle.cycle ? '' : ` (Kubernetes ${minor})`;
    return endsOf(cycle, { title, inside, standard: 'standard support', extended });
  });
}

function endsOf(
  cycle: Cycle,
  words: {
    readonly title: string;
    readonly inside?: string;
    readonly standard: string;
    readonly extended?: string | undefined;
  },
): readonly { readonly until: Day; readonly what: string }[] {
  const ends = [
    { end: cycle.standard, kind: words.standard },
    { end: cycle.extended, kind: words.extended ?? 'extended support' },
  ];
  return ends.flatMap(({ end, kind }) =>
    end?.until === undefined
      ? []
      : [{ until: end.until, what: `${words.title} ${cycle.cycle}${words.inside ?? ''}: ${kind}` }],
  );
}
