// SPDX-License-Identifier: Apache-2.0
import { CompatibilityError } from '../error.ts';
import { type Calendar, cycleOf, type FeedCycle, type Override, readCalendar } from './calendar.ts';
import type { CompatibilityCell } from './cell.ts';
import { type Day, dayOf, latestDay } from './day.ts';
import { type Ending, readEndings } from './endings.ts';
import { type Fit, readFits } from './fit.ts';
import { compareMinors, minorOf } from './minor.ts';
import { kubernetesOf, PRODUCT_FACTS, type Product, type Provider, PROVIDERS } from './products.ts';
import { latestMinors, type LineSettings, type LineWindow, readLines, stageOn } from './windows.ts';

/** The section `lifecycle` of the definition. */
export interface LifecycleSettings extends LineSettings {
  readonly warnDays: number;
  readonly overrides: readonly Override[];
}

/** Gives a product's cycles by its name on endoflife.date; undefined where the feed lacks it. */
export type ReadCycles = (product: string) => Promise<readonly FeedCycle[] | undefined>;

/** All calendars and what follows from them on one day. */
export interface Lifecycle {
  readonly today: Day;
  readonly calendars: Readonly<Record<Product, Calendar>>;
  /** Our lines, newest first. */
  readonly lines: readonly LineWindow[];
  /** The newest Kubernetes minors out, newest first. */
  readonly latestKubernetes: readonly string[];
  /** What ends soon, soonest first. */
  readonly endings: readonly Ending[];
  /** Providers that the feed has nothing of. */
  readonly missing: readonly Provider[];
  /** The newest day on which something came out, of all products, that the feed knows and that has passed: patch releases come weekly. */
  readonly newestEntry?: Day;
  /** Where the definition and the feed disagree, or the definition names what no calendar has. */
  readonly dissents: readonly string[];
}

/** What {@link readLifecycle} is made from. */
export interface LifecycleRequest {
  readonly cycles: ReadCycles;
  readonly settings: LifecycleSettings;
  readonly now: Date;
}

/**
 * Reads all calendars and says how things stand on the day of `now`. Throws `CALENDAR_MISSING` where the feed has nothing of Flux or
 * Kubernetes, without which nothing can be said, and `CALENDAR_INVALID`.
 */
export async function readLifecycle({ cycles, settings, now }: LifecycleRequest): Promise<Lifecycle> {
  const today = dayOf(now);
  const read = async (product: Product) =>
    readCalendar(product, await cycles(PRODUCT_FACTS[product].feed), settings.overrides);
  const calendars = {
    flux: await read('flux'),
    kubernetes: await read('kubernetes'),
    eks: await read('eks'),
    aks: await read('aks'),
    gke: await read('gke'),
    openshift: await read('openshift'),
  };
  requireHeld(calendars.flux);
  requireHeld(calendars.kubernetes);
  const lines = readLines(calendars, settings, today);
  const { kubernetes } = calendars;
  const providers = PROVIDERS.map((provider) => calendars[provider]);
  const passed = Object.values(calendars).flatMap(({ releases }) => releases.filter((day) => day <= today));
  const newestEntry = latestDay(passed);
  return {
    today,
    ...(newestEntry === undefined ? {} : { newestEntry }),
    calendars,
    lines,
    latestKubernetes: latestMinors(kubernetes, today, settings.kubernetes),
    endings: readEndings({ lines, kubernetes, providers, today, within: settings.warnDays }),
    missing: PROVIDERS.filter((provider) => !calendars[provider].held),
    dissents: [...Object.values(calendars).flatMap(({ dissents }) => dissents), ...unknownIn(settings, calendars)],
  };
}

/** A slip of the pen in the definition would otherwise support nothing, in silence. */
function unknownIn(
  { lts }: LineSettings,
  { flux, kubernetes }: Readonly<Record<'flux' | 'kubernetes', Calendar>>,
): readonly string[] {
  return Object.entries(lts).flatMap(([line, { kubernetes: minors = [] }]) => [
    ...(cycleOf(flux, line) === undefined
      ? [`the definition gives Flux ${line} long-term support, and no calendar has that line`]
      : []),
    ...minors
      .filter((minor) => cycleOf(kubernetes, minor) === undefined)
      .map((minor) => `the definition names Kubernetes ${minor} for Flux ${line}, and no calendar has that minor`),
  ]);
}

function requireHeld({ product, held }: Calendar): void {
  if (held) return;
  const { feed, title } = PRODUCT_FACTS[product];
  throw new CompatibilityError(
    'CALENDAR_MISSING',
    `no calendar of ${title}: the feed endoflife is not here, or has no product "${feed}"`,
    {
      hint: 'Run `oakum feeds update --feed endoflife` (with --mirror PLACE where the public addresses are out of reach).',
    },
  );
}

/** What is asked of a lifecycle: one minor, one provider, or all. */
export interface CompatibilityQuestion {
  readonly kubernetes?: string | undefined;
  readonly provider?: Provider | undefined;
  readonly channels: readonly string[];
  readonly cells: readonly CompatibilityCell[];
  /** The newest revision of a line. */
  readonly revisionOf: (line: string) => string | undefined;
  readonly now: Date;
}

/**
 * Gives what fits. `kubernetes` may be a patch release, or a minor of OpenShift (`4.18`). Throws `MINOR_UNKNOWN` where no calendar has
 * such a minor.
 */
export function answer(lifecycle: Lifecycle, question: CompatibilityQuestion): readonly Fit[] {
  const { calendars, lines } = lifecycle;
  const wanted = question.kubernetes === undefined ? undefined : meantBy(question.kubernetes, lifecycle);
  const fits = readFits({
    lines,
    kubernetes: calendars.kubernetes,
    providers: PROVIDERS.map((provider) => ({ provider, calendar: calendars[provider] })),
    window: lifecycle.latestKubernetes.length,
    only: question.provider,
    channels: question.channels,
    cells: question.cells,
    revisionOf: question.revisionOf,
    now: question.now,
  });
  return fits.filter(({ kubernetes }) => wanted === undefined || kubernetes === wanted);
}

/** A patch release stands for its minor. */
function meantBy(name: string, { calendars, today }: Lifecycle): string {
  const asked = minorOf(name) ?? name;
  const isOpenShift = cycleOf(calendars.openshift, asked) !== undefined;
  const minor = isOpenShift ? (kubernetesOf('openshift', asked) ?? asked) : asked;
  const { cycles } = calendars.kubernetes;
  if (cycleOf(calendars.kubernetes, minor) !== undefined) return minor;
  const known = cycles.filter((cycle) => stageOn(cycle, today) !== 'upcoming').map(({ cycle }) => cycle);
  throw new CompatibilityError('MINOR_UNKNOWN', `no calendar has a Kubernetes minor "${name}"`, {
    hint: `Known are ${known.slice(0, 12).sort(compareMinors).join(', ')}. Where it is newer than the feed: \`oakum feeds update --feed endoflife\`, or an override in the definition (docs/lifecycle.md).`,
  });
}
