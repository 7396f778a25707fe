// SPDX-License-Identifier: Apache-2.0
import type { RegistryClient, RepositoryName } from '#image';
import { findRelease, formatRevision, type ImageTags, lineOf, parsePlace, registryPlace, RELEASES } from '#release';

/** Two tags of one repository: the one of a revision that never moves, and one that follows. */
export type RevisionTags = ImageTags & { readonly repository: RepositoryName };

/**
 * Gives the tags of a revision's document and of its manifests, as the document lists them; none where it has no document. The tag of the
 * line goes along where it names what the release's tag names.
 */
export async function releaseTags({
  registry,
  client,
  release,
  revision,
}: {
  readonly registry: string;
  readonly client: RegistryClient;
  readonly release: string;
  readonly revision: number;
}): Promise<readonly RevisionTags[]> {
  const place = registryPlace(client, registry);
  const immutable = formatRevision({ release, number: revision });
  const found = await findRelease(place, immutable);
  if (found === undefined) return [];
  const [newest, ofLine] = await Promise.all(
    [release, lineOf(release)].map(async (tag) => (await place.resolve(RELEASES, tag))?.digest),
  );
  const moving = [release, ...(newest !== undefined && newest === ofLine ? [lineOf(release)] : [])];
  const manifests = (found.document.manifests ?? []).flatMap(({ name, tags: [fixed, follows] }) =>
    fixed === undefined || follows === undefined
      ? []
      : [{ repository: parsePlace(registry, name.split('/').slice(-2).join('/')), immutable: fixed, moving: follows }],
  );
  const document = moving.map((tag) => ({ repository: parsePlace(registry, RELEASES), immutable, moving: tag }));
  return [...manifests, ...document];
}
