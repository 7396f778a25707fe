// SPDX-License-Identifier: Apache-2.0
import type { Digest, Report } from '#core';
import type { Document, RegistryClient, RepositoryName } from '#image';

/** A tag that is to name another manifest. */
export interface TagMove {
  readonly repository: RepositoryName;
  readonly tag: string;
  readonly to: Pick<Document, 'descriptor' | 'bytes'>;
}

/** A move, and what the tag named before it. */
type KnownMove = TagMove & { readonly from: Digest | undefined };

/**
 * Makes tags of several repositories name other manifests: all of them, or none. Where one can't be moved, those that were are
 * moved back, and the registry's error is thrown; where that can't be done either, a warning says which tags are ahead of the others.
 */
export async function moveTags(
  moves: readonly TagMove[],
  { client, report }: { readonly client: RegistryClient; readonly report: Report },
): Promise<void> {
  const known = await Promise.all(moves.map(async (move) => ({ ...move, from: await digestBehind(move, client) })));
  const wanted = known.filter(({ from, to }) => from !== to.descriptor.digest);
  const results = await Promise.allSettled(
    wanted.map(({ repository, tag, to }) => client.putManifest(repository, to.descriptor, to.bytes, tag)),
  );
  const refused = results.find((result) => result.status === 'rejected');
  if (refused === undefined) return;
  const ahead = await Promise.all(
    wanted.map(async (move, index) => {
      const isBack = await moveBack(move, client).catch(() => results[index]?.status === 'rejected');
      return isBack ? [] : [`${move.repository.registry}/${move.repository.repository}:${move.tag}`];
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
async function moveBack(move: KnownMove, client: RegistryClient): Promise<boolean> {
  const { from, repository, tag } = move;
  if ((await digestBehind(move, client)) === from) return true;
  if (from === undefined) return false;
  const { descriptor, bytes } = await client.manifest({ ...repository, digest: from });
  await client.putManifest(repository, descriptor, bytes, tag);
  return true;
}

async function digestBehind({ repository, tag }: TagMove, client: RegistryClient): Promise<Digest | undefined> {
  return (await client.resolve({ ...repository, tag }))?.digest;
}
