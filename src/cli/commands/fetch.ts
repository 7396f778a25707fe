// SPDX-License-Identifier: Apache-2.0
import { completeLock, fetchAll, select } from '#factory';
import { print, withProgress } from '../session.ts';
import { keepLock, loadDefinition, openShop } from '../shop.ts';
import type { World } from '../world.ts';
import type { SelectionFlags } from './release.ts';

/** `oakum fetch`: fills the cache with all that a release reads. */
export async function fetchRelease(version: string, flags: SelectionFlags, world: World): Promise<void> {
  const done = await withProgress(flags, world, async (report) => {
    const loaded = await loadDefinition(flags, world);
    const { definition } = loaded.read;
    const shop = await openShop(loaded, { flags, world, report });
    const selection = select(definition, {
      ...(flags.component === undefined ? {} : { components: flags.component }),
      ...(flags.channel === undefined ? {} : { channels: flags.channel }),
      ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
    });
    const completed = await completeLock({ ...loaded, definition, version, locked: flags.locked === true }, shop);
    await keepLock(completed, loaded.lockFile, report);
    await fetchAll({ definition, lock: completed.lock, release: completed.release, selection }, shop);
    return { release: completed.release, cacheFolder: world.cacheFolder };
  });
  print(flags, done, () => `Flux ${done.release}: all that its build needs is in ${done.cacheFolder}\n`);
}
