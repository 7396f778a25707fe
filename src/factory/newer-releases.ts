// SPDX-License-Identifier: Apache-2.0
import { compareModuleVersions, prereleaseOf } from '#formats';
import { fluxPath, type Sources } from '#sources';

/**
 * Gives the releases of upstream that are newer than `present` (`2.9.2`), oldest first, without `v`: of its major, and no pre-releases. Says
 * only that they are listed; what proves one is `Sources.release`.
 */
export async function newerReleases(present: string, sources: Pick<Sources, 'versions'>): Promise<readonly string[]> {
  const listed = await sources.versions(fluxPath(present));
  return listed
    .filter((version) => prereleaseOf(version) === '' && compareModuleVersions(version, `v${present}`) > 0)
    .toSorted(compareModuleVersions)
    .map((version) => version.slice(1));
}
