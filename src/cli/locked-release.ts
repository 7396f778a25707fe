// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import type { Lock } from '#definition';
import type { ChannelRecord, ReleaseDocument } from '#release';

/** Throws `RELEASE_OTHER` unless a document is of a version: a release or a revision, with or without `v`. */
export function requireVersion({ release, revision }: ReleaseDocument, version: string, where: string): void {
  const wanted = version.replace(/^v/, '');
  if (wanted === release || wanted === revision) return;
  throw new OakumError('usage', 'RELEASE_OTHER', `this release document is of ${revision}, not of ${version}`, {
    where,
    hint: 'Name with --from where that release is.',
  });
}

/**
 * Throws `RELEASE_OTHER` unless a lock has the versions of a channel: manifests are made from what the lock holds, and run what the
 * document names.
 */
export function requireLocked({ images }: ChannelRecord, release: string, lock: Lock, where: string): void {
  const locked = lock.releases[release]?.components ?? {};
  const other = images.find(({ component, version }) => locked[component]?.module.version !== version);
  if (other === undefined) return;
  const here = locked[other.component]?.module.version ?? 'none';
  throw new OakumError(
    'definition',
    'RELEASE_OTHER',
    `the release has ${other.component} ${other.version}, and the lock has ${here}`,
    { where, hint: 'Name the definition and lock that the release was made from (--definition).' },
  );
}

/** Gives the registry that the images of a channel were published under. */
export function registryOfChannel({ images }: ChannelRecord, channel: string): string {
  const [image] = images;
  return image?.name.slice(0, -`/${channel}/${image.component}`.length) ?? '';
}
