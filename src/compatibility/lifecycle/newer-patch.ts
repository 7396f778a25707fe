// SPDX-License-Identifier: Apache-2.0
import type { CompatibilityCell } from './cell.ts';

/** What the newest patch release of a Kubernetes minor means for a test: why it is stale, or why it still holds. */
export interface PatchReading {
  readonly stale: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Holds a test against the newest patch release that is known, `1.36.4`. One that could not be built when the test was made does not
 * make it stale, or it would be so forever; that it is there is said.
 */
export function readPatch(
  { versions, newest: listed, passedOver = [] }: Pick<CompatibilityCell, 'versions' | 'newest' | 'passedOver'>,
  newest: string | undefined,
): PatchReading {
  const tested = versions['kubernetes']?.replace(/^v/, '');
  if (newest === undefined || tested === undefined || !(patchOf(newest) > patchOf(tested)))
    return { stale: [], notes: [] };
  if (!passedOver.includes(newest)) {
    const then = listed === tested ? ', the newest that the Go module proxy listed then; now' : ',';
    return { stale: [`tested on Kubernetes ${tested}${then} the newest is ${newest}`], notes: [] };
  }
  const note = `tested on Kubernetes ${tested}, the newest of which all was served; ${newest} could not be built then (--refresh tries again)`;
  return { stale: [], notes: [note] };
}

/** The feed may be older than what was tested, and then says nothing against it: patches are compared as numbers. */
function patchOf(version: string): number {
  return Number(/^\d+\.\d+\.(\d+)/.exec(version)?.[1]);
}
