// SPDX-License-Identifier: Apache-2.0
import { lineOf, orderRevisions, type Revision } from '#release';

/** Gives those of some revisions that are of a revision's line. */
export function inLine(revisions: readonly Revision[], { release }: Revision): readonly Revision[] {
  return revisions.filter((one) => lineOf(one.release) === lineOf(release));
}

/**
 * Says whether none of the revisions in a place is of a later release of the line: then the line's tag follows. A fix of an older release that
 * is published after a newer one does not take it.
 */
export function isNewestRelease(own: Revision, others: readonly Revision[]): boolean {
  return inLine(others, own).every((one) => orderRevisions({ ...one, number: 0 }, { ...own, number: 0 }) <= 0);
}
