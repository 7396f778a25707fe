// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '#core';
import { compareModuleVersions, type GoMod, majorOf, type ModuleVersion } from '#formats';
import type { Floor } from './floors.ts';
import { isAboutModule, type Shelf } from './shelf.ts';

/** A later patch release that upstream has made of a component, and the floors that it holds by itself. */
export interface UpstreamRelease {
  readonly version: string;
  readonly require: ReadonlyMap<string, string>;
}

/** Upstream's later patch releases, oldest first; or why none is known. */
export interface UpstreamReading {
  readonly releases: readonly UpstreamRelease[];
  readonly unknown?: string;
}

/** How many patch numbers after the present one are asked for, where the proxies have no list. */
const PROBED = 3;

/** Finds the later patch releases of a component's minor, and reads what they require. What can't be had or proved is left out and told. */
export async function readUpstream(module: ModuleVersion, shelf: Shelf): Promise<UpstreamReading> {
  const listed = (await shelf.releases(module.path)).filter((version) => isLaterPatch(version, module.version));
  const candidates = listed.length > 0 ? listed : nextPatches(module.version);
  const read = await Promise.all(
    candidates.map(async (version): Promise<UpstreamRelease | string> => {
      try {
        return toRelease(version, await shelf.goMod({ path: module.path, version }));
      } catch (error) {
        if (!isAboutModule(error)) throw error;
        return messageOf(error);
      }
    }),
  );
  const releases = read.filter((one) => typeof one === 'object');
  const [refused] = read.filter((one) => typeof one === 'string');
  if (releases.length > 0 || refused === undefined) return { releases };
  return { releases, unknown: refused };
}

/** The first upstream release that holds the most of some floors. */
export function bestRelease(
  { releases }: UpstreamReading,
  floors: readonly Floor[],
): { readonly version: string; readonly fixes: readonly string[] } | undefined {
  const ranked = releases.map(({ version, require }) => ({
    version,
    fixes: floors.filter((floor) => isHeld(floor, require)).flatMap((floor) => floor.findings),
  }));
  return ranked.toSorted((a, b) => b.fixes.length - a.fixes.length)[0];
}

/** The greatest version of a module that an upstream release requires. */
export function upstreamVersion(path: string, { releases }: UpstreamReading): string | undefined {
  const versions = releases.flatMap((one) => one.require.get(path) ?? []);
  return versions.sort(compareModuleVersions).at(-1);
}

function isHeld(floor: Floor, require: ReadonlyMap<string, string>): boolean {
  const version = require.get(floor.path);
  return version === undefined || compareModuleVersions(version, floor.version) >= 0;
}

function toRelease(version: string, mod: GoMod): UpstreamRelease {
  return { version, require: new Map(mod.require.map((one) => [one.path, one.version])) };
}

function isLaterPatch(version: string, present: string): boolean {
  return compareModuleVersions(version, present) > 0 && minorOf(version) === minorOf(present);
}

function nextPatches(version: string): readonly string[] {
  const [, head, patch] = /^(v\d+\.\d+\.)(\d+)$/.exec(version) ?? [];
  if (head === undefined || majorOf(version) === '') return [];
  return Array.from({ length: PROBED }, (_, index) => `${head}${Number(patch) + index + 1}`);
}

function minorOf(version: string): string {
  return version.split('.', 2).join('.');
}
