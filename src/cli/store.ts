// SPDX-License-Identifier: Apache-2.0
import { OakumError, type Report } from '#core';
import { hasStore, leaveScan, type RecordedRelease, type StoreOptions, toScanRecord } from '#store';
import type { Scan, ScanSubject } from '#vulnerabilities';
import { toFailure } from './failure.ts';
import { plainText } from './format.ts';
import { readReleaseImages } from './release-images.ts';
import type { World } from './world.ts';

/** Warnings of the store, on stderr. */
export const warn: Report = (event) => {
  if (event.kind === 'warning') process.stderr.write(plainText(`oakum: ${event.message}\n`));
};

/** Which store: that of OAKUM_STORE_URL, else the one in the data folder. */
export function storeOptions(world: World): StoreOptions {
  return { dataFolder: world.stateFolder, url: world.env['OAKUM_STORE_URL'] || undefined, report: warn };
}

/** Throws `STORE_EMPTY` where nothing was ever scanned: a store is not made in order to say that it is empty. */
export async function requireStore(world: World): Promise<StoreOptions> {
  const options = storeOptions(world);
  if (await hasStore(options)) return options;
  throw new OakumError('usage', 'STORE_EMPTY', 'nothing was scanned yet', {
    where: world.stateFolder,
    hint: 'Run `oakum scan TARGET...` first: what it looks at is kept in the store.',
  });
}

/**
 * Leaves a scan for the store, with the release in ./out where a scanned image is of it. A scan is done when this comes, so what goes
 * wrong here is a warning.
 */
export async function leaveForStore(scan: Scan, subjects: readonly ScanSubject[], world: World): Promise<void> {
  try {
    await leaveScan(world.stateFolder, toScanRecord(scan, subjects, await releasesOf(subjects, world)));
  } catch (error) {
    const { message, where } = toFailure(error);
    warn({
      kind: 'warning',
      message: `the scan is not in the store: ${message}${where === undefined ? '' : ` (${where})`}`,
    });
  }
}

/** The release in ./out, if any of its platform manifests was scanned; of images that are not in it, what they say of themselves. */
export async function releasesOf(subjects: readonly ScanSubject[], world: World): Promise<readonly RecordedRelease[]> {
  const images = subjects.filter(({ digest }) => digest !== undefined);
  if (images.length === 0) return [];
  const found = await readReleaseImages('out', world).catch(() => undefined);
  const known = new Set<unknown>(found?.images.flatMap(({ platforms }) => platforms.map(({ digest }) => digest)));
  const others = images.filter(({ digest }) => !known.has(digest));
  const claimed = others.length === 0 ? [] : await (await import('./claimed-releases.ts')).claimedReleases(others);
  return found === undefined || others.length === images.length ? claimed : [found, ...claimed];
}
