// SPDX-License-Identifier: Apache-2.0
import { completeLock, type Refresh } from '#factory';
import { warnOfBaseEnds } from '../base-ends.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { keepLock, loadDefinition, openShop, type SharedFlags } from '../shop.ts';
import type { World } from '../world.ts';

interface LockFlags extends SharedFlags, OutputFlags {
  readonly refresh?: Refresh;
}

/** `oakum lock`: writes what a release needs, proved, into oakum.lock. */
export async function lock(version: string, flags: LockFlags, world: World): Promise<void> {
  const done = await withProgress(flags, world, async (report) => {
    const loaded = await loadDefinition(flags, world);
    const { definition } = loaded.read;
    await warnOfBaseEnds(loaded, { world, report });
    const shop = await openShop(loaded, { flags, world, report });
    const request = { ...loaded, definition, version, locked: false };
    const completed = await completeLock(
      flags.refresh === undefined ? request : { ...request, refresh: flags.refresh },
      shop,
    );
    await keepLock(completed, loaded.lockFile, report, { mustWrite: true });
    return { release: completed.release, lockFile: loaded.lockFile, changed: completed.changed };
  });
  print(
    flags,
    done,
    () => `${done.lockFile}: Flux ${done.release} ${done.changed ? 'written' : 'was locked already'}\n`,
  );
}
