// SPDX-License-Identifier: Apache-2.0
import type { Report } from '#core';
import type { Lock } from '#definition';
import { completeLock, type Selection, select, type Workshop } from '#factory';
import { warnOfBaseEnds } from './base-ends.ts';
import type { OutputFlags } from './session.ts';
import { keepLock, type Loaded, loadDefinition, openShop, type SharedFlags } from './shop.ts';
import type { World } from './world.ts';

/** Flags of commands that work on a part of a release. */
export interface SelectionFlags extends SharedFlags, OutputFlags {
  readonly component?: readonly string[];
  readonly channel?: readonly string[];
  readonly platform?: readonly string[];
  readonly locked?: boolean;
}

/** What every command on a release starts from: the definition, what of it is meant, and a lock that holds all that it needs. */
export interface Run {
  readonly loaded: Loaded;
  readonly shop: Workshop;
  readonly selection: Selection;
  readonly lock: Lock;
  readonly release: string;
}

/** How {@link openRun} chooses: `machine` is this machine's platform alone, where no flag names one. */
export interface RunOptions {
  readonly world: World;
  readonly report: Report;
  readonly platforms: 'all' | 'machine';
  /** Whether a lock that had to be completed is written. */
  readonly keepLock: boolean;
}

/** Reads definition and lock, checks the flags against them, and completes the lock for a version. */
export async function openRun(version: string, flags: SelectionFlags, options: RunOptions): Promise<Run> {
  const { world, report } = options;
  const loaded = await loadDefinition(flags, world);
  const { definition } = loaded.read;
  const shop = await openShop(loaded, { flags, world, report });
  const platforms = flags.platform ?? (options.platforms === 'machine' ? [shop.machine.platform] : []);
  const { component: components = [], channel: channels = [] } = flags;
  const selection = select(definition, { components, channels, platforms });
  await warnOfBaseEnds(loaded, { world, report });
  const completed = await completeLock({ ...loaded, definition, version, locked: flags.locked === true }, shop);
  if (options.keepLock) await keepLock(completed, loaded.lockFile, report);
  return { loaded, shop, selection, lock: completed.lock, release: completed.release };
}
