// SPDX-License-Identifier: Apache-2.0
import { VulnerabilityError } from '../error.ts';
import type { Rating } from '../severity.ts';
import { isTimeZone, type SupportCalendar, type Weekday, WEEKDAYS } from './calendar.ts';
import { type Overlay, OVERLAYS } from './overlay.ts';
import { formatSpan, parseSpan, type Span } from './span.ts';

/** How grave a vulnerability is; without any score it is `unknown`, which is not `low`. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'unknown'] as const;

/** One of {@link SEVERITIES}. */
export type SlaSeverity = (typeof SEVERITIES)[number];

/** Takes a rating of CVSS; gives the severity whose clock it gets: what is scored 0.0 gets the longest. */
export function toSlaSeverity(rating: Rating): SlaSeverity {
  return rating === 'none' ? 'low' : rating;
}

/** What is promised: from when, how long by severity, and what counts as a day. */
export interface SlaPolicy {
  readonly name: string;
  /** `identification`: from when we know of it. `upstream-fix`: from when a public upstream release fixes it. */
  readonly startsOn: 'identification' | 'upstream-fix';
  readonly within: Readonly<Record<SlaSeverity, Span>>;
  /** A running clock is at risk when this part of its time (percent) is over. */
  readonly warnAfterPercent: number;
  /** Whether a reopened finding keeps its first start, or gets a new one. */
  readonly reopened: 'continues' | 'restarts';
  /** Whether what runs these images can be reached from the internet, for overlays that ask. */
  readonly exposed: boolean;
  readonly calendar: SupportCalendar;
  readonly overlays: readonly Overlay[];
}

/** A policy as `sla:` in distribution.yaml has it: what is left out is as in the named policy. */
export interface SlaSettings {
  readonly policy?: string | undefined;
  readonly startsOn?: SlaPolicy['startsOn'] | undefined;
  readonly within?: Readonly<Partial<Record<SlaSeverity, string | undefined>>> | undefined;
  readonly warnAfterPercent?: number | undefined;
  readonly reopened?: SlaPolicy['reopened'] | undefined;
  readonly exposed?: boolean | undefined;
  readonly timeZone?: string | undefined;
  readonly supportDays?: readonly Weekday[] | undefined;
  readonly holidays?: readonly string[] | undefined;
  readonly overlays?: readonly (keyof typeof OVERLAYS)[] | undefined;
}

const SHARED = {
  warnAfterPercent: 75,
  reopened: 'continues',
  exposed: true,
  calendar: {
    timeZone: 'Etc/UTC',
    supportDays: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
    holidays: [],
  },
  overlays: [],
} as const satisfies Partial<SlaPolicy>;

/** The same time for all but critical; what has no score yet gets the shortest, since it may turn out to be critical. */
function targets(critical: Span, rest: Span): SlaPolicy['within'] {
  return { critical, high: rest, medium: rest, low: rest, unknown: critical };
}

/** The policies that come with Oakum; `sla.policy` names one. */
export const SLA_POLICIES: Readonly<Record<'from-identification' | 'from-upstream-fix', SlaPolicy>> = {
  'from-identification': {
    ...SHARED,
    name: 'from-identification',
    startsOn: 'identification',
    within: targets({ amount: 72, unit: 'hours' }, { amount: 5, unit: 'support days' }),
  },
  'from-upstream-fix': {
    ...SHARED,
    name: 'from-upstream-fix',
    startsOn: 'upstream-fix',
    within: targets({ amount: 7, unit: 'days' }, { amount: 14, unit: 'days' }),
  },
};

/** Takes the settings of a definition; gives the policy. Throws `SLA_POLICY_INVALID` with everything wrong. */
export function toSlaPolicy(settings: SlaSettings = {}): SlaPolicy {
  const faults: string[] = [];
  const { policy: name = 'from-identification' } = settings;
  const base = Object.entries(SLA_POLICIES).find(([known]) => known === name)?.[1];
  if (base === undefined) faults.push(`there is no policy "${name}" (known: ${Object.keys(SLA_POLICIES).join(', ')})`);
  const shipped = base ?? SLA_POLICIES['from-identification'];
  const within = { ...shipped.within };
  for (const severity of SEVERITIES) {
    const text = settings.within?.[severity];
    if (text === undefined) continue;
    const span = parseSpan(text);
    if (span === undefined) faults.push(`within.${severity}: "${text}" is no span like 72 hours or 5 support days`);
    else within[severity] = span;
  }
  const calendar = {
    timeZone: settings.timeZone ?? shipped.calendar.timeZone,
    supportDays: settings.supportDays ?? shipped.calendar.supportDays,
    holidays: settings.holidays ?? shipped.calendar.holidays,
  };
  if (!isTimeZone(calendar.timeZone)) faults.push(`timeZone: "${calendar.timeZone}" is not known`);
  if (!WEEKDAYS.some((day) => calendar.supportDays.includes(day))) faults.push('supportDays: at least one is needed');
  if (faults.length > 0) {
    throw new VulnerabilityError('SLA_POLICY_INVALID', `the SLA policy can't be used: ${faults.join('; ')}`, {
      hint: 'See `sla` in docs/vulnerabilities.md.',
    });
  }
  return {
    name: shipped.name,
    startsOn: settings.startsOn ?? shipped.startsOn,
    within,
    warnAfterPercent: settings.warnAfterPercent ?? shipped.warnAfterPercent,
    reopened: settings.reopened ?? shipped.reopened,
    exposed: settings.exposed ?? shipped.exposed,
    calendar,
    overlays: settings.overlays?.map((overlay) => OVERLAYS[overlay]) ?? shipped.overlays,
  };
}

/** Gives a policy in a few sentences, as reports show it. */
export function describePolicy(policy: SlaPolicy): string {
  const start =
    policy.startsOn === 'identification'
      ? 'The clock starts when a vulnerability is identified.'
      : 'The clock starts when a public upstream release fixes the vulnerability.';
  const spans = SEVERITIES.map((severity) => `${severity} ${formatSpan(policy.within[severity])}`).join(', ');
  const { timeZone, supportDays, holidays } = policy.calendar;
  const days = supportDays.map((day) => `${day.slice(0, 1).toUpperCase()}${day.slice(1)}`).join(', ');
  const apart = holidays.length === 0 ? '' : `, but for ${holidays.length} holidays`;
  const overlays = policy.overlays.map(({ name }) => name).join(', ');
  const shorter = overlays === '' ? '' : ` Where shorter: ${overlays}.`;
  return `${start} Time to fix: ${spans}. Support days: ${days}${apart}, in ${timeZone}.${shorter}`;
}
