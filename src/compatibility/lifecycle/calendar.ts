// SPDX-License-Identifier: Apache-2.0
import { CompatibilityError } from '../error.ts';
import { addMonths, type Day, isDay } from './day.ts';
import { compareMinors, isMinor } from './minor.ts';
import { PRODUCT_FACTS, type Product } from './products.ts';

/** A cycle as the feed endoflife has it: days, or `true` and `false` where it only knows whether something has ended. */
export interface FeedCycle {
  readonly cycle: string;
  readonly released?: string;
  readonly endOfLife?: string | boolean;
  readonly extendedSupport?: string | boolean;
  readonly latest?: string;
  /** When `latest` came out. */
  readonly latestReleased?: string;
}

/** A date of our own that leads over the feed's: what it says, when that was noted, and where it stands. */
export interface Override {
  readonly product: Product;
  readonly cycle: string;
  readonly released?: Day | undefined;
  readonly standard?: Day | undefined;
  readonly extended?: Day | undefined;
  readonly noted: Day;
  readonly source: string;
}

/** When a kind of support ends. */
export interface End {
  /** Its last day; undefined where nobody says which that is. */
  readonly until: Day | undefined;
  /** Without a day: whether it is over. */
  readonly isOver?: boolean;
  readonly from: 'feed' | 'override' | 'rule';
  /** Where an override or a rule has it from. */
  readonly source?: string;
}

/** One minor of a product. What is left out is not known, or does not exist. */
export interface Cycle {
  readonly cycle: string;
  readonly released?: Day;
  /** The newest patch release the feed knows. */
  readonly latest?: string;
  readonly standard?: End;
  readonly extended?: End;
}

/** A product's minors, newest first. */
export interface Calendar {
  readonly product: Product;
  /** Whether the feed has the product; where not, only overrides are here. */
  readonly held: boolean;
  readonly cycles: readonly Cycle[];
  /** Every day on which the feed says that something came out: the newest that has passed tells how old its knowledge is. */
  readonly releases: readonly Day[];
  /** Where an override says another day than the feed, as sentences. */
  readonly dissents: readonly string[];
}

/**
 * Makes a product's calendar of what the feed says and of our own overrides, which lead. Cycles that are no minors (`5`, `latest`) are
 * left out. Throws `CALENDAR_INVALID` where a date is none.
 */
export function readCalendar(
  product: Product,
  feed: readonly FeedCycle[] | undefined,
  overrides: readonly Override[] = [],
): Calendar {
  const own = overrides.filter((one) => one.product === product);
  const minors = (feed ?? []).filter(({ cycle }) => isMinor(cycle));
  const known = new Map(minors.map((one) => [one.cycle, one]));
  const names = new Set([...known.keys(), ...own.map(({ cycle }) => cycle)]);
  const cycles = [...names].map((name) =>
    mergeCycle(
      product,
      known.get(name) ?? { cycle: name },
      own.find(({ cycle }) => cycle === name),
    ),
  );
  const dissents = own.flatMap((override) => dissentsOf(override, known.get(override.cycle)));
  return {
    product,
    held: feed !== undefined,
    cycles: cycles.sort((a, b) => compareMinors(b.cycle, a.cycle)),
    releases: minors
      .flatMap(({ released, latestReleased }) => [released, latestReleased])
      .filter((day) => day !== undefined && isDay(day)) as Day[],
    dissents,
  };
}

/** Gives the cycle of a name, where the calendar has it. */
export function cycleOf(calendar: Calendar, name: string): Cycle | undefined {
  return calendar.cycles.find(({ cycle }) => cycle === name);
}

function mergeCycle(product: Product, feed: FeedCycle, override: Override | undefined): Cycle {
  const place = { product, cycle: feed.cycle };
  const released = override?.released ?? dayIn(feed.released, place);
  const standard = endOf(override?.standard, override) ?? feedEnd(feed.endOfLife, place);
  const extended =
    endOf(override?.extended, override) ??
    feedEnd(feed.extendedSupport, place) ??
    ruleEnd(product, feed.cycle, released);
  return {
    cycle: feed.cycle,
    ...(released === undefined ? {} : { released }),
    ...(feed.latest === undefined ? {} : { latest: feed.latest }),
    ...(standard === undefined ? {} : { standard }),
    ...(extended === undefined ? {} : { extended }),
  };
}

function endOf(until: Day | undefined, override: Override | undefined): End | undefined {
  return until === undefined || override === undefined
    ? undefined
    : { until, from: 'override', source: override.source };
}

type Place = { readonly product: Product; readonly cycle: string };

function feedEnd(value: string | boolean | undefined, place: Place): End | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'boolean') return { until: undefined, isOver: value, from: 'feed' };
  return { until: dayIn(value, place), from: 'feed' };
}

function ruleEnd(product: Product, cycle: string, released: Day | undefined): End | undefined {
  const rule = PRODUCT_FACTS[product].extendedRule;
  if (rule === undefined || released === undefined || compareMinors(cycle, rule.since) < 0) return undefined;
  return { until: addMonths(released, rule.months), from: 'rule', source: rule.source };
}

function dayIn(text: string | undefined, { product, cycle }: Place): Day | undefined {
  if (text === undefined || isDay(text)) return text;
  throw new CompatibilityError(
    'CALENDAR_INVALID',
    `the feed endoflife says "${text.slice(0, 40)}" of ${PRODUCT_FACTS[product].title} ${cycle}, which is no day`,
    { hint: 'Update the feed: `oakum feeds update --feed endoflife`; where it stays wrong, its mirror is.' },
  );
}

function dissentsOf(override: Override, feed: FeedCycle | undefined): readonly string[] {
  const said = [
    ['release', override.released, feed?.released],
    ['end of standard support', override.standard, feed?.endOfLife],
    ['end of extended support', override.extended, feed?.extendedSupport],
  ] as const;
  return said.flatMap(([what, own, theirs]) =>
    own === undefined || typeof theirs !== 'string' || own === theirs
      ? []
      : [
          `${PRODUCT_FACTS[override.product].title} ${override.cycle}, ${what}: the definition says ${own} (noted ${override.noted}), the feed ${theirs}`,
        ],
  );
}
