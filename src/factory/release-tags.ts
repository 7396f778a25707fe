// SPDX-License-Identifier: Apache-2.0
import { findRelease, formatRevision, type ImageTags, lineOf, type ReleasePlace, RELEASES } from '#release';

/** Two tags of one repository of a place: the one of a revision that never moves, and one that follows. */
export type RevisionTags = ImageTags & { readonly path: string };

/**
 * Gives the tags of a revision's document and of its manifests, as the document lists them; none where it has no document. The tags of the
 * line go along where they name what the release's tags name.
 */
export async function releaseTags(
  place: ReleasePlace,
  { release, revision }: { readonly release: string; readonly revision: number },
): Promise<readonly RevisionTags[]> {
  const immutable = formatRevision({ release, number: revision });
  const found = await findRelease(place, immutable);
  if (found === undefined) return [];
  const manifests = (found.document.manifests ?? []).flatMap(({ name, tags: [fixed, follows] }) =>
    fixed === undefined || follows === undefined
      ? []
      : [{ path: name.split('/').slice(-2).join('/'), immutable: fixed, moving: follows }],
  );
  const all = [...manifests, { path: RELEASES, immutable, moving: release }];
  const ofLines = await Promise.all(all.map((tags) => tagOfLine(tags, place)));
  return [...all, ...ofLines.flat()];
}

/** A line's tag, `2.9` or `v2.9`, is written as its release's is. */
async function tagOfLine(
  { path, immutable, moving }: RevisionTags,
  place: ReleasePlace,
): Promise<readonly RevisionTags[]> {
  const [newest, ofLine] = await Promise.all(
    [moving, lineOf(moving)].map(async (tag) => (await place.resolve(path, tag))?.digest),
  );
  return newest !== undefined && newest === ofLine ? [{ path, immutable, moving: lineOf(moving) }] : [];
}
