// SPDX-License-Identifier: Apache-2.0
import type { Affected, AffectedRange, RangeEvent } from '../advisory.ts';
import { orderOf, type VersionOrder } from './version-order.ts';

/** What decided that a version is affected. */
export type Decision =
  | { readonly kind: 'version'; readonly version: string }
  | {
      readonly kind: 'range';
      readonly type: AffectedRange['type'];
      readonly introduced: string;
      /** What ends the affected part of the range; absent where nothing does. */
      readonly until?: { readonly kind: 'fixed' | 'last_affected'; readonly version: string };
    };

/** What an advisory says of one version of a package. */
export type VersionReading =
  | { readonly kind: 'affected'; readonly by: Decision; readonly fix: string | undefined }
  | { readonly kind: 'unaffected' }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Says whether a version is affected, by OSV's evaluation algorithm (https://ossf.github.io/osv-schema/#evaluation): it
 * is listed, or it lies in any range. An entry with a range that cannot be, and that does not affect the version
 * otherwise, gives `unknown`. `fix` is the first version after it that no range of this entry affects.
 */
export function evaluate(affected: Affected, version: string): VersionReading {
  const order = orderOf(affected.ecosystem);
  if (order === undefined) return { kind: 'unknown', reason: `no order of ${affected.ecosystem} versions is known` };
  const listed = affected.versions.find((one) => isSame(one, version, order));
  const by: Decision | undefined =
    listed === undefined ? inRanges(affected.ranges, version, order) : { kind: 'version', version: listed };
  if (by !== undefined) return { kind: 'affected', by, fix: fixOf(affected, version, order) };
  const [fault] = affected.faults;
  return fault === undefined ? { kind: 'unaffected' } : { kind: 'unknown', reason: fault };
}

/** Modules' versions are the same with and without `v`, since OSV leaves it out. */
function isSame(listed: string, version: string, order: VersionOrder): boolean {
  if (order.name !== 'go') return listed === version;
  const plain = (text: string) => text.replace(/^v/, '').replace(/\+incompatible$/, '');
  return plain(listed) === plain(version);
}

function inRanges(ranges: readonly AffectedRange[], version: string, order: VersionOrder): Decision | undefined {
  for (const range of ranges) {
    const decision = isBeforeLimits(range, version, order) ? inRange(range, version, order) : undefined;
    if (decision !== undefined) return decision;
  }
  return undefined;
}

function isBeforeLimits(range: AffectedRange, version: string, order: VersionOrder): boolean {
  const limits = range.events.filter((event) => event.kind === 'limit');
  return limits.length === 0 || limits.some((one) => one.version === '*' || order.compare(version, one.version) < 0);
}

/** The events are in order: the last one that the version has reached decides. */
function inRange(range: AffectedRange, version: string, order: VersionOrder): Decision | undefined {
  let introduced: RangeEvent | undefined;
  let until: RangeEvent | undefined;
  for (const event of range.events) {
    if (event.kind === 'limit') continue;
    if (!isReached(event, version, order)) {
      if (event.kind !== 'introduced') until ??= event;
      continue;
    }
    introduced = event.kind === 'introduced' ? (introduced ?? event) : undefined;
  }
  if (introduced === undefined) return undefined;
  const end = until === undefined || until.kind === 'introduced' || until.kind === 'limit' ? undefined : until;
  return {
    kind: 'range',
    type: range.type,
    introduced: introduced.version,
    ...(end === undefined ? {} : { until: { kind: end.kind as 'fixed' | 'last_affected', version: end.version } }),
  };
}

function isReached(event: RangeEvent, version: string, order: VersionOrder): boolean {
  if (event.kind === 'introduced' && event.version === '0') return true;
  const difference = order.compare(version, event.version);
  return event.kind === 'last_affected' ? difference > 0 : difference >= 0;
}

function fixOf(affected: Affected, version: string, order: VersionOrder): string | undefined {
  const fixes = affected.ranges
    .flatMap((range) => range.events)
    .filter((event) => event.kind === 'fixed' && order.compare(event.version, version) > 0)
    .map((event) => event.version)
    .sort((a, b) => order.compare(a, b));
  const isClear = (fix: string) =>
    !affected.versions.some((one) => isSame(one, fix, order)) && inRanges(affected.ranges, fix, order) === undefined;
  return fixes.find(isClear);
}
