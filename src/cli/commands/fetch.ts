// SPDX-License-Identifier: Apache-2.0
import { fetchAll } from '#factory';
import { openRun, type SelectionFlags } from '../run.ts';
import { print, withProgress } from '../session.ts';
import type { World } from '../world.ts';

/** `oakum fetch`: fills the cache with all that a release reads. */
export async function fetchRelease(version: string, flags: SelectionFlags, world: World): Promise<void> {
  const done = await withProgress(flags, world, async (report) => {
    const options = { world, report, platforms: 'all', keepLock: true } as const;
    const { loaded, shop, selection, lock, release } = await openRun(version, flags, options);
    await fetchAll({ definition: loaded.read.definition, lock, release, selection }, shop);
    return { release, cacheFolder: world.cacheFolder };
  });
  print(flags, done, () => `Flux ${done.release}: all that its build needs is in ${done.cacheFolder}\n`);
}
