// SPDX-License-Identifier: Apache-2.0
import type { Report } from '#core';
import type { Definition, Lock } from '#definition';
import { completeLock, lockApiServer, lockTool, servedMinors, type Workshop } from '#factory';
import { requireWhole } from './compat-subject.ts';
import { type LocatedRelease, locateRelease } from './locate-release.ts';
import { keepLock, type Loaded, loadDefinition, openShop, searchPathOf, type SharedFlags } from './shop.ts';
import type { World } from './world.ts';

/** What a run works with: everything is located and locked. */
export interface Desk {
  readonly shop: Workshop;
  readonly definition: Definition;
  readonly lock: Lock;
  readonly minors: readonly string[];
  readonly channels: readonly string[];
  readonly release: LocatedRelease;
  /** What is upgraded from. */
  readonly previous: LocatedRelease | undefined;
}

/** Flags that say what is tested, and on what. */
export interface DeskFlags extends SharedFlags {
  readonly kubernetes?: readonly string[];
  readonly channel?: readonly string[];
  readonly from: string;
  readonly previous?: string;
  readonly previousFrom?: string;
  readonly refresh?: boolean;
  readonly locked?: boolean;
  readonly plainHttp?: boolean;
}

interface Place {
  readonly world: World;
  readonly report: Report;
  /** How many Kubernetes minors are meant where none is named: the newest. */
  readonly minors: number;
  /** Whether every controller of the definition must be there. */
  readonly whole?: boolean;
}

/** Locates the release that is to be tested, and locks it with all that the test needs. Throws what locating and locking throw. */
export async function openDesk(version: string, flags: DeskFlags, place: Place): Promise<Desk> {
  const { world, report } = place;
  const loaded = await loadDefinition(flags, world);
  const shop = await openShop(loaded, { flags, world, report });
  const release = await locateRelease(version, flags, world);
  const before = flags.previous;
  const from = flags.previousFrom ?? flags.from;
  const previous = before === undefined ? undefined : await locateRelease(before, { ...flags, from }, world);
  const releases = [release, previous].flatMap((one) => one?.document.release ?? []);
  const channels = flags.channel ?? Object.keys(release.document.channels);
  if (place.whole === true)
    for (const one of previous === undefined ? [release] : [release, previous])
      for (const channel of channels) requireWhole(one, channel, loaded.read.definition);
  const { lock, minors } = await lockAll(releases, { flags, loaded, shop, count: place.minors });
  return { shop, definition: loaded.read.definition, lock, minors, channels, release, previous };
}

/** Gives what starts the programs of a test: who runs them, the folders they are looked for in, and whether it is root. */
export function startersOf(world: World) {
  return { run: world.run, searchPath: searchPathOf(world), privileged: process.getuid?.() === 0 };
}

interface LockParts {
  readonly flags: DeskFlags;
  readonly loaded: Loaded;
  readonly shop: Workshop;
  readonly count: number;
}

/** Completes the lock for releases, the tool that makes manifests, and the API servers; writes it where it changed. */
async function lockAll(
  releases: readonly string[],
  { flags, loaded, shop, count }: LockParts,
): Promise<{ readonly lock: Lock; readonly minors: readonly string[] }> {
  const { definition } = loaded.read;
  const request = { definition, lockFile: loaded.lockFile, locked: flags.locked === true };
  let { lock } = loaded;
  let changed = false;
  for (const version of releases) {
    const completed = await completeLock({ ...request, lock, version }, shop);
    lock = completed.lock;
    changed ||= completed.changed;
  }
  const tool = await lockTool('kustomize', { ...request, lock: lock as Lock }, shop);
  lock = tool.lock;
  changed ||= tool.changed;
  const minors: string[] = [];
  for (const kubernetes of flags.kubernetes ?? (await servedMinors(count, shop))) {
    const one = await lockApiServer({ ...request, lock, kubernetes, refresh: flags.refresh === true }, shop);
    lock = one.lock;
    changed ||= one.changed;
    if (!minors.includes(one.minor)) minors.push(one.minor);
  }
  await keepLock({ lock, changed, holds: `Kubernetes ${minors.join(', ')}` }, loaded.lockFile, shop.report);
  return { lock, minors };
}
