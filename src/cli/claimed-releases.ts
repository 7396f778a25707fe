// SPDX-License-Identifier: Apache-2.0
import { type Digest, type Platform, PLATFORMS } from '#core';
import type { RecordedRelease, StoredImage } from '#store';
import { readImageClaim, type ScanSubject } from '#vulnerabilities';

/**
 * Gives what images say of themselves: distribution, revision, channel and component by the provenance that is attached to each, which
 * nothing verified. So these are images of a distribution of their own, `NAME (as claimed in PLACE)`, and whatever they claim takes the
 * place of nothing that a release document says. Images without provenance of ours are left out.
 */
export async function claimedReleases(subjects: readonly ScanSubject[]): Promise<readonly RecordedRelease[]> {
  const claimed = await Promise.all(subjects.map(readClaim));
  const byDistribution = Map.groupBy(
    claimed.flatMap((one) => one ?? []),
    ({ distribution }) => distribution,
  );
  return [...byDistribution].map(([distribution, own]) => ({
    distribution,
    images: [...Map.groupBy(own, ({ image: { index } }) => index).values()].flatMap(joinPlatforms),
  }));
}

interface ClaimedImage {
  readonly distribution: string;
  readonly image: StoredImage;
}

async function readClaim({
  root,
  digest,
  platform,
  target,
  provenance,
}: ScanSubject): Promise<ClaimedImage | undefined> {
  if (provenance === undefined || root === undefined || digest === undefined) return undefined;
  try {
    const claim = await readImageClaim(await provenance(), target);
    if (claim.platform !== platform) return undefined;
    const { channel, component, revision } = claim;
    const { repository, tag } = namesOf(target);
    return {
      distribution: `${claim.distribution} (as claimed in ${placeOf(repository, `${channel}/${component}`)})`,
      image: { channel, component, revision, repository, index: root, tag, platforms: platformsOf(platform, digest) },
    };
  } catch {
    return undefined; // it has no provenance, or that of another builder: then it is of no line
  }
}

function platformsOf(name: string | undefined, digest: Digest): StoredImage['platforms'] {
  const platform: Platform | undefined = PLATFORMS.find((one) => one === name);
  return platform === undefined ? [] : [{ platform, digest }];
}

function joinPlatforms(alike: readonly ClaimedImage[]): readonly StoredImage[] {
  const [first] = alike;
  return first === undefined
    ? []
    : [{ ...first.image, platforms: alike.flatMap(({ image: { platforms } }) => platforms) }];
}

/** Takes apart `REGISTRY/REPOSITORY:TAG`, with a digest or without, and `oci:FOLDER:NAME:TAG`. */
function namesOf(target: string): { readonly repository: string; readonly tag: string } {
  const [named = ''] = target.split('@', 1);
  const [, repository = named, tag = ''] = /^(.*):([^:/]+)$/.exec(named) ?? [];
  return { repository, tag };
}

function placeOf(repository: string, name: string): string {
  return repository.endsWith(name) ? repository.slice(0, -name.length).replace(/[/:]$/, '') : repository;
}
