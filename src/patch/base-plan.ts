// SPDX-License-Identifier: Apache-2.0
import { architectureOf, OakumError, type Platform } from '#core';
import type { Debian, LockedPackage } from '#bases';
import type { BaseDefinition, LockedBase } from '#definition';
import {
  distributionPackage,
  ecosystemOf,
  type Finding,
  mergePackages,
  scan,
  type ScanGap,
  type ScanSubject,
} from '#vulnerabilities';
import { type Staying, toStaying } from './floors.ts';
import type { PatchTools } from './types.ts';

/** A base to bring up to date. */
export interface BaseTarget {
  readonly name: string;
  readonly definition: BaseDefinition;
  readonly locked: LockedBase;
  readonly platforms: readonly Platform[];
}

/** What bringing a base up to date means. */
export interface BasePlan {
  readonly base: string;
  readonly findings: number;
  readonly changes: readonly { readonly package: string; readonly from?: string; readonly to: string }[];
  readonly fixed: readonly string[];
  readonly staying: readonly Staying[];
  readonly gaps: readonly ScanGap[];
  /** What goes into the lock; undefined where nothing changes. */
  readonly locked?: LockedBase;
}

/**
 * Makes a base's packages the newest in its suites, and says which of its findings are gone by that. An archive that can't be
 * reached or believed leaves the base as it is: a gap of the plan, not its end.
 */
export async function planBase(
  target: BaseTarget,
  debian: Debian,
  tools: Pick<PatchTools, 'feeds' | 'now'>,
): Promise<BasePlan> {
  const newest = await newestOf(target, debian);
  const before = packagesOf(target.locked);
  const after = 'reason' in newest ? before : packagesOf(newest);
  const subjects = [before, after].map((packages) => subjectOf(target.name, packages, target.locked));
  const [old, fresh] = (await scan(subjects, tools)).reports;
  const open = new Set((fresh?.findings ?? []).map(keyOf));
  const changes = changesBetween(before, after);
  const findings = old?.findings ?? [];
  return {
    base: target.name,
    findings: findings.length,
    changes,
    fixed: findings.filter((one) => !open.has(keyOf(one))).map((one) => one.id),
    staying: (fresh?.findings ?? []).map((one) =>
      toStaying(one, one.fix === undefined ? 'no fix is known' : `its suites do not have ${one.fix} yet`),
    ),
    gaps: [...(fresh?.gaps ?? []), ...('reason' in newest ? [newest] : [])],
    ...(changes.length === 0 || 'reason' in newest ? {} : { locked: newest }),
  };
}

async function newestOf(target: BaseTarget, debian: Debian): Promise<LockedBase | ScanGap> {
  try {
    const resolved = await Promise.all(
      target.platforms.map(
        async (platform) => [platform, await debian.resolve(target.definition, architectureOf(platform))] as const,
      ),
    );
    const packages = Object.fromEntries(resolved.map(([platform, one]) => [platform, [...one.packages]]));
    return { releases: [...(resolved[0]?.[1].releases ?? [])], packages } as LockedBase;
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    return { what: `newer packages of base ${target.name}`, reason: error.message };
  }
}

function packagesOf(base: LockedBase): readonly LockedPackage[] {
  return Object.values(base.packages).flatMap((list) => list ?? []);
}

function subjectOf(name: string, packages: readonly LockedPackage[], { releases }: LockedBase): ScanSubject {
  const ecosystem = ecosystemOf('debian', releases[0]?.codename.split('-', 1)[0]);
  const found = packages.map((one) =>
    distributionPackage(
      {
        type: 'deb',
        namespace: 'debian',
        name: one.name,
        version: one.version,
        qualifiers: { arch: one.architecture, upstream: `${one.source.name}@${one.source.version}` },
      },
      ecosystem ?? 'Debian',
    ),
  );
  return {
    target: name,
    kind: 'sbom',
    basis: 'the lock',
    packages: ecosystem === undefined ? [] : mergePackages(found),
    gaps:
      ecosystem === undefined ? [{ what: name, reason: 'its suites are of no Debian release that feeds cover' }] : [],
  };
}

function changesBetween(before: readonly LockedPackage[], after: readonly LockedPackage[]): BasePlan['changes'] {
  const known = new Map(before.map((one) => [`${one.name}/${one.architecture}`, one.version]));
  const changed = after.filter((one) => known.get(`${one.name}/${one.architecture}`) !== one.version);
  const unique = new Map(changed.map((one) => [one.name, one]));
  return [...unique.values()].map((one) => {
    const from = known.get(`${one.name}/${one.architecture}`);
    return { package: one.name, ...(from === undefined ? {} : { from }), to: one.version };
  });
}

function keyOf(finding: Finding): string {
  return `${finding.package.name} ${finding.id}`;
}
