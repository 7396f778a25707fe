// SPDX-License-Identifier: Apache-2.0
import {
  cycleOf,
  describeEvidence,
  type End,
  type Fit,
  type Lifecycle,
  type LineWindow,
  PRODUCT_FACTS,
  type Provider,
  type ProviderFit,
  PROVIDERS,
} from '#compatibility';
import { formatTable } from './format.ts';

/** What was asked and found. */
export interface CompatibilityText {
  readonly fits: readonly Fit[];
  /** What is wrong with the data. */
  readonly faults: readonly string[];
  readonly provider: Provider | undefined;
}

/** Gives what fits as tables for people, with what is wrong with the data first. */
export function formatCompatibility(lifecycle: Lifecycle, found: CompatibilityText): string {
  return [
    describeData(lifecycle, found),
    formatLines(lifecycle),
    formatMinors(lifecycle, found),
    formatFits(found),
    formatEndings(lifecycle),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function describeData(
  { today, newestEntry, missing, dissents }: Lifecycle,
  { faults, provider }: CompatibilityText,
): string {
  const absent = missing
    .filter((name) => provider === undefined || name === provider)
    .map(
      (name) =>
        `The feed endoflife has nothing of ${PRODUCT_FACTS[name].title}: run \`oakum feeds update --feed endoflife\`.`,
    );
  const notes = dissents.map((one) => `Note: ${one}.`);
  return `${[`On ${today}; the feed endoflife knows what came out until ${newestEntry ?? 'no known day'}.`, ...faults, ...absent, ...notes].join('\n')}\n`;
}

function formatLines({ lines }: Lifecycle): string {
  const rows = lines
    .filter(({ state }) => state !== 'ended')
    .map((line) => [line.line, line.state, line.released ?? '-', endOfLine(line), line.latest ?? '-', minorsOf(line)]);
  return formatTable(['LINE', 'STATE', 'RELEASED', 'SUPPORTED UNTIL', 'NEWEST', 'KUBERNETES'], rows);
}

function endOfLine({ until, endsWith, lts }: LineWindow): string {
  if (until !== undefined) return until;
  const usual = endsWith === undefined ? '-' : `${endsWith} is out`;
  return lts === undefined ? usual : `${usual}; at least ${lts}`;
}

function minorsOf({ kubernetes }: LineWindow): string {
  const [first, last] = [kubernetes[0], kubernetes.at(-1)];
  return first === undefined || last === undefined ? '-' : first === last ? first : `${first} to ${last}`;
}

/** Who supports the minors that fit, minor by minor. */
function formatMinors(lifecycle: Lifecycle, { fits, provider }: CompatibilityText): string {
  if (fits.length === 0) return '';
  const shown = PROVIDERS.filter((name) => provider === undefined || name === provider);
  const minors = new Map(fits.map((fit) => [fit.kubernetes, fit.providers]));
  const rows = [...minors].map(([minor, providers]) => [
    minor,
    describeEnd(cycleOf(lifecycle.calendars.kubernetes, minor)?.standard),
    ...shown.map((name) =>
      describeProvider(
        providers.find((one) => one.provider === name),
        lifecycle,
      ),
    ),
  ]);
  const titles = shown.map((name) => PRODUCT_FACTS[name].title.toUpperCase());
  const rule = PRODUCT_FACTS.gke.extendedRule;
  const isRuled = rows.some((row) => row.some((cell) => cell.includes('~')));
  const note =
    isRuled && rule !== undefined
      ? `~ by the rule of ${rule.months} months, not a published day: ${rule.source}\n`
      : '';
  return `${formatTable(['KUBERNETES', 'UPSTREAM', ...titles], rows)}${note}`;
}

function formatFits({ fits }: CompatibilityText): string {
  if (fits.length === 0) return 'Nothing fits: no supported line is for what was asked.\n';
  const channels = fits[0]?.evidence.map(({ channel }) => `TESTS: ${channel}`) ?? [];
  const rows = fits.map((fit) => [fit.line, fit.kubernetes, endOfFit(fit), ...fit.evidence.map(describeEvidence)]);
  const stale = fits.flatMap(({ line, kubernetes, evidence }) =>
    evidence.flatMap(({ channel, reasons, notes }) => [
      ...reasons.map((reason) => `Stale: ${line} on ${kubernetes}, ${channel}: ${reason}.\n`),
      ...notes.map((note) => `Note: ${line} on ${kubernetes}, ${channel}: ${note}.\n`),
    ]),
  );
  return `${formatTable(['LINE', 'KUBERNETES', 'FITS UNTIL', ...channels], rows)}${stale.join('')}`;
}

function endOfFit({ until, endsWith }: Fit): string {
  if (until !== undefined) return until;
  const names = endsWith.map(({ product, cycle }) => `${PRODUCT_FACTS[product].title} ${cycle}`);
  return names.length === 0 ? 'no day is known' : `${names.join(' or ')} is out`;
}

/** The stage, its last day, and the minor where the provider counts its own: `4.18 extended to 2027-02-25`. */
function describeProvider(fit: ProviderFit | undefined, { calendars }: Lifecycle): string {
  if (fit === undefined) return '-';
  const cycle = cycleOf(calendars[fit.provider], fit.cycle);
  const end = fit.stage === 'standard' ? cycle?.standard : cycle?.extended;
  const name = fit.provider === 'openshift' ? `${fit.cycle} ` : '';
  return `${name}${fit.stage} to ${describeEnd(end)}`;
}

function describeEnd(end: End | undefined): string {
  if (end === undefined) return 'not known';
  if (end.until === undefined) return end.isOver === true ? 'over' : 'no day yet';
  return `${end.from === 'rule' ? '~' : ''}${end.until}`;
}

function formatEndings({ endings }: Lifecycle): string {
  if (endings.length === 0) return 'Nothing of this ends soon.\n';
  const rows = endings.map(({ day, days, what }) => [day, days === 0 ? 'today' : `in ${days} days`, what]);
  return formatTable(['ENDS', 'IN', 'WHAT'], rows);
}
