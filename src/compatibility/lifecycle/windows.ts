// SPDX-License-Identifier: Apache-2.0
import type { Calendar, Cycle, End } from './calendar.ts';
import { type Day, earliestDay, latestDay } from './day.ts';
import { compareMinors, minorAfter } from './minor.ts';

/** Where a minor stands on a day. `unknown`: released, and nothing is said of its end. */
export type Stage = 'upcoming' | 'standard' | 'extended' | 'ended' | 'unknown';

/** Says where a minor stands on a day. The day that support ends is the last of it. */
export function stageOn(cycle: Cycle, today: Day): Stage {
  if (cycle.released !== undefined && cycle.released > today) return 'upcoming';
  if (cycle.standard !== undefined && lasts(cycle.standard, today)) return 'standard';
  if (cycle.extended !== undefined && lasts(cycle.extended, today)) return 'extended';
  return cycle.standard === undefined && cycle.extended === undefined ? 'unknown' : 'ended';
}

/** Gives the last day of all support of a minor, where one is known. */
export function lastDay({ standard, extended }: Cycle): Day | undefined {
  const ends = [standard, extended].filter((end) => end !== undefined);
  const isOpen = ends.some(({ until, isOver }) => until === undefined && isOver !== true);
  return isOpen ? undefined : latestDay(ends.map(({ until }) => until));
}

function lasts({ until, isOver }: End, today: Day): boolean {
  return until === undefined ? isOver !== true : until >= today;
}

/** Gives the newest minors out on a day, newest first: at most `count`. What has no date of release is not out. */
export function latestMinors(calendar: Calendar, today: Day, count: number): readonly string[] {
  return calendar.cycles
    .filter(({ released }) => released !== undefined && released <= today)
    .map(({ cycle }) => cycle)
    .slice(0, count);
}

/** What the definition says of our own lines. */
export interface LineSettings {
  /** How many of the newest lines are supported. */
  readonly lines: number;
  /** How many of the newest Kubernetes minors a supported line is for. */
  readonly kubernetes: number;
  /** Lines with long-term support: its last day, and for which Kubernetes minors where that is not what they were for at their usual end. */
  readonly lts: Readonly<Record<string, { readonly until: Day; readonly kubernetes?: readonly string[] | undefined }>>;
}

/** How one line of Flux is supported by this distribution on a day. */
export interface LineWindow {
  readonly line: string;
  readonly released?: Day;
  readonly state: 'upcoming' | 'supported' | 'lts' | 'ended';
  /** The last day of support, long-term support included, where one is known. */
  readonly until?: Day;
  /** The line whose release will end the usual support, while that has no date. */
  readonly endsWith?: string;
  /** The last day of long-term support, for a line that has it. */
  readonly lts?: Day;
  /** The newest patch release upstream, as the feed has it. */
  readonly latest?: string;
  /** The Kubernetes minors it is for, oldest first. */
  readonly kubernetes: readonly string[];
}

/**
 * Gives the windows of all lines, newest first. The newest `lines` of those that are out are supported: a line's support ends with the
 * day that the line so many after it comes out (or that an override names), and goes on to its `lts` day where it has one. A line whose
 * usual support has ended is for the Kubernetes minors it was for then. Lines of Flux 1 are none.
 */
export function readLines(
  calendars: { readonly flux: Calendar; readonly kubernetes: Calendar },
  settings: LineSettings,
  today: Day,
): readonly LineWindow[] {
  const cycles = calendars.flux.cycles.filter(({ cycle }) => compareMinors(cycle, '2.0') >= 0);
  return cycles.map((cycle, index) => {
    const successor = cycles[index - settings.lines];
    const usualEnd = usualEndOf(cycle, successor);
    const lts = settings.lts[cycle.cycle];
    const minors = latestMinors(calendars.kubernetes, earliestDay([today, usualEnd]) ?? today, settings.kubernetes);
    return {
      line: cycle.cycle,
      ...(cycle.released === undefined ? {} : { released: cycle.released }),
      state: stateOf(cycle, { usualEnd, ltsEnd: lts?.until, today }),
      ...(usualEnd === undefined ? {} : { until: latestDay([usualEnd, lts?.until]) ?? usualEnd }),
      ...(usualEnd === undefined ? { endsWith: successor?.cycle ?? minorAfter(cycle.cycle, settings.lines) } : {}),
      ...(lts === undefined ? {} : { lts: lts.until }),
      ...(cycle.latest === undefined ? {} : { latest: cycle.latest }),
      kubernetes: [...(lts?.kubernetes ?? minors)].sort(compareMinors),
    };
  });
}

function usualEndOf({ standard }: Cycle, successor: Cycle | undefined): Day | undefined {
  return standard?.from === 'override' ? standard.until : successor?.released;
}

function stateOf(
  { released }: Cycle,
  of: { readonly usualEnd: Day | undefined; readonly ltsEnd: Day | undefined; readonly today: Day },
): LineWindow['state'] {
  const { usualEnd, ltsEnd, today } = of;
  if (released === undefined || released > today) return 'upcoming';
  if (usualEnd === undefined || usualEnd >= today) return 'supported';
  return ltsEnd !== undefined && ltsEnd >= today ? 'lts' : 'ended';
}
