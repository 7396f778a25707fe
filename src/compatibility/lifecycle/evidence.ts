// SPDX-License-Identifier: Apache-2.0
import type { CompatibilityCell } from './cell.ts';
import { dayOf } from './day.ts';
import { minorOf } from './minor.ts';
import { readPatch } from './newer-patch.ts';

/**
 * What tests say of a line's channel on a Kubernetes minor. `stale`: tested, and since then a newer revision or a newer patch release of
 * Kubernetes came out; `cell` holds what the test said of the older ones.
 */
export interface EvidenceReading {
  readonly channel: string;
  readonly state: 'passed' | 'failed' | 'stale' | 'not tested';
  /** Why it is stale. */
  readonly reasons: readonly string[];
  /** What else is to be known of it. */
  readonly notes: readonly string[];
  readonly cell?: CompatibilityCell;
}

/** What evidence is judged by: the newest revision of the line, the newest patch release of the minor, and the day. */
export interface EvidenceContext {
  readonly line: string;
  readonly kubernetes: string;
  readonly channel: string;
  readonly revision: string | undefined;
  readonly patch: string | undefined;
  readonly now: Date;
}

/** Reads the newest cell that is about a line's channel on a minor. A cell from the future proves nothing. */
export function readEvidence(cells: readonly CompatibilityCell[], context: EvidenceContext): EvidenceReading {
  const { line, kubernetes, channel, revision, patch, now } = context;
  const cell = cells
    .filter((one) => one.kubernetes === kubernetes && one.channel === channel && minorOf(one.revision) === line)
    .filter(({ made }) => Date.parse(made) <= now.getTime())
    .sort(byUse)[0];
  if (cell === undefined) return { channel, state: 'not tested', reasons: [], notes: [] };
  const { stale, notes } = readPatch(cell, patch);
  const reasons = [
    ...(cell.outdated ?? []),
    ...(revision === undefined || cell.revision === revision
      ? []
      : [`tested ${cell.revision}, the newest is ${revision}`]),
    ...stale,
  ];
  return { channel, state: reasons.length > 0 ? 'stale' : cell.verdict, reasons, notes, cell };
}

/** The newest first; of two about one run, the one that tells more of it; else any, but always the same. */
function byUse(a: CompatibilityCell, b: CompatibilityCell): number {
  const told = ({ versions, outdated = [] }: CompatibilityCell) => Object.keys(versions).length + outdated.length;
  return (
    Date.parse(b.made) - Date.parse(a.made) ||
    told(b) - told(a) ||
    (a.digest === b.digest ? 0 : a.digest < b.digest ? -1 : 1)
  );
}

/** Says in a word what a reading is, with the day of the test: `passed 2026-08-20`. */
export function describeEvidence({ state, cell }: EvidenceReading): string {
  if (cell === undefined) return state;
  const day = dayOf(new Date(cell.made));
  return state === 'stale' ? `stale (${cell.verdict} ${day})` : `${state} ${day}`;
}
