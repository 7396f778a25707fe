// SPDX-License-Identifier: Apache-2.0
import type { Report } from '#core';
import { type Descriptor, type Document, MAX_MANIFEST_BYTES, readContent } from '#image';
import type { ReleasePlace } from '#release';

/** A tag that is to name another manifest. `path` is its repository's in the place: `distroless/source-controller`, `releases`. */
export interface TagMove {
  readonly path: string;
  readonly tag: string;
  readonly to: Document;
}

/** A move, and what the tag named before it. */
type KnownMove = TagMove & { readonly from: Descriptor | undefined };

/**
 * Makes tags of several repositories name other manifests: all of them, or none. Where one can't be moved, those that were are
 * moved back, and the registry's error is thrown; where that can't be done either, a warning says which tags are ahead of the others.
 */
export async function moveTags(
  moves: readonly TagMove[],
  { place, report }: { readonly place: ReleasePlace; readonly report: Report },
): Promise<void> {
  const known = await Promise.all(
    moves.map(async (move) => ({ ...move, from: await place.resolve(move.path, move.tag) })),
  );
  const wanted = known.filter(({ from, to }) => from?.digest !== to.descriptor.digest);
  const results = await Promise.allSettled(
    wanted.map(({ path, tag, to }) => place.put(path, { manifest: to, blobs: [] }, tag)),
  );
  const refused = results.find((result) => result.status === 'rejected');
  if (refused === undefined) return;
  const ahead = await Promise.all(
    wanted.map(async (move, index) => {
      const isBack = await moveBack(move, place).catch(() => results[index]?.status === 'rejected');
      return isBack ? [] : [place.name(move.path, move.tag)];
    }),
  );
  const names = ahead.flat();
  if (names.length > 0)
    report({
      kind: 'warning',
      message: `${names.length} of ${moves.length} moving tags name what is new already, and could not be moved back: ${names.join(', ')}; the same command finishes it`,
    });
  throw refused.reason;
}

/** Says whether the tag names what it named before. An answer can get lost, so a move that failed may have been made. */
async function moveBack({ path, tag, from }: KnownMove, place: ReleasePlace): Promise<boolean> {
  const current = await place.resolve(path, tag);
  if (current?.digest === from?.digest) return true;
  if (from === undefined) return false;
  const bytes = await readContent(place.store(path).source, from, MAX_MANIFEST_BYTES);
  await place.put(path, { manifest: { descriptor: from, bytes }, blobs: [] }, tag);
  return true;
}
