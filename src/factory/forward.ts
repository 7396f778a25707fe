// SPDX-License-Identifier: Apache-2.0
import { isModuleVersion } from '#formats';
import { lineOf, orderRevisions, parseRevision, type ReleasePlace, type Revision } from '#release';
import type { TagMove } from './move-tags.ts';

/** Gives those of some revisions that are of a revision's line. */
export function inLine(revisions: readonly Revision[], { release }: Revision): readonly Revision[] {
  return revisions.filter((one) => lineOf(one.release) === lineOf(release));
}

/** A tag that follows, and the revision of the manifest that it is to name; the tag is that of its release, `v1.9.3`, or of the line, `v2.9`. */
export interface Following extends TagMove {
  readonly revision: Revision;
}

/**
 * Gives the moves of those tags that may name a revision: none goes back to an older one because that is published late, or once more, or
 * because an image of it is of another release too. Only a rollback does that. What a repository holds is asked for only where a tag would move.
 */
export async function forward(all: readonly Following[], place: ReleasePlace): Promise<readonly TagMove[]> {
  const moves = await Promise.all(all.map(async (one) => ((await isBehind(one, place)) ? [] : [one])));
  return moves.flat();
}

async function isBehind({ path, tag, to, revision }: Following, place: ReleasePlace): Promise<boolean> {
  const current = await place.resolve(path, tag);
  if (current === undefined || current.digest === to.descriptor.digest) return false;
  const published = (await place.tags(path)).flatMap((one) => parseRevision(bare(one)) ?? []);
  const own = { ...revision, release: bare(revision.release) };
  const isLine = tag === lineOf(revision.release);
  const isAlike = ({ release }: Revision) =>
    isLine ? lineOf(release) === lineOf(own.release) : release === own.release;
  return published.some((one) => isAlike(one) && isModuleVersion(`v${one.release}`) && orderRevisions(one, own) > 0);
}

/** Tags are written with a `v` or without. */
function bare(text: string): string {
  return text.replace(/^v/, '');
}
