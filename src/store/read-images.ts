// SPDX-License-Identifier: Apache-2.0
import type { Digest, Platform } from '#core';
import type { StoredImage } from './record.ts';
import type { Database } from './schema.ts';
import type { SubjectFilter } from './types.ts';

/** An image of the store, and whose it is. */
export interface PlacedImage {
  readonly distribution: string;
  readonly line: string;
  readonly image: StoredImage;
}

/** Gives the images that a filter means, newest revision first. */
export async function readImages(db: Database, filter: SubjectFilter): Promise<readonly PlacedImage[]> {
  const all = (await everyImage(db)).sort((a, b) => compareRevisions(b.image.revision, a.image.revision));
  const newest = new Map<string, string>();
  for (const { distribution, line, image } of all) {
    const key = JSON.stringify([distribution, line]);
    if (!newest.has(key)) newest.set(key, image.revision);
  }
  return all.filter(({ distribution, line, image }) => {
    const { revision, line: wantedLine, components, channels, allRevisions } = filter;
    const isNewest = newest.get(JSON.stringify([distribution, line])) === image.revision;
    const isRevision = revision === undefined ? allRevisions === true || isNewest : isOf(image.revision, revision);
    return (
      isRevision &&
      (wantedLine === undefined || wantedLine === line) &&
      (components === undefined || components.includes(image.component)) &&
      (channels === undefined || channels.includes(image.channel))
    );
  });
}

/** `2.9.2` means all its revisions. */
function isOf(revision: string, wanted: string): boolean {
  return revision === wanted || revision.replace(/-r\d+$/, '') === wanted;
}

/** Orders revisions: `2.9.2-r10` comes after `2.9.2-r9`. */
export function compareRevisions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

async function everyImage(db: Database): Promise<PlacedImage[]> {
  const rows = await db
    .selectFrom('images as i')
    .innerJoin('revisions as r', 'r.id', 'i.revision_id')
    .select([
      'i.id',
      'r.distribution',
      'r.line',
      'r.revision',
      'i.channel',
      'i.component',
      'i.repository',
      'i.digest',
      'i.tag',
    ])
    .orderBy('i.id')
    .execute();
  const manifests = await db.selectFrom('manifests').selectAll().orderBy('platform').execute();
  const byImage = Map.groupBy(manifests, ({ image_id }) => image_id);
  return rows.map(({ id, distribution, line, digest, ...image }) => ({
    distribution,
    line,
    image: {
      ...image,
      index: digest as Digest,
      platforms: (byImage.get(id) ?? []).map((one) => ({
        platform: one.platform as Platform,
        digest: one.digest as Digest,
      })),
    },
  }));
}
