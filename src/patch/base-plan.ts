// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import { type BasePackage, type LockedBase, packagesOfBase } from '#definition';
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
  readonly locked: LockedBase;
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
 * Makes a base's packages the newest that `resolve` finds, and says which of its findings are gone by that. An archive or a registry
 * that can't be reached or believed leaves the base as it is: a gap of the plan, not its end.
 */
export async function planBase(
  target: BaseTarget,
  resolve: () => Promise<LockedBase>,
  tools: Pick<PatchTools, 'feeds' | 'now'>,
): Promise<BasePlan> {
  const newest = await newestOf(target, resolve);
  const before = packagesOf(target.locked);
  const after = 'reason' in newest ? before : packagesOf(newest);
  const subjects = [target.locked, 'reason' in newest ? target.locked : newest].map((base) =>
    subjectOf(target.name, base),
  );
  const [old, fresh] = (await scan(subjects, tools)).reports;
  const open = new Set((fresh?.findings ?? []).map(keyOf));
  const changes = [...('reason' in newest ? [] : imageChange(target.locked, newest)), ...changesBetween(before, after)];
  const findings = old?.findings ?? [];
  return {
    base: target.name,
    findings: findings.length,
    changes,
    fixed: findings.filter((one) => !open.has(keyOf(one))).map((one) => one.id),
    staying: (fresh?.findings ?? []).map((one) =>
      toStaying(one, one.fix === undefined ? 'no fix is known' : `${sourceOf(target.locked)} not have ${one.fix} yet`),
    ),
    gaps: [...(fresh?.gaps ?? []), ...('reason' in newest ? [newest] : [])],
    ...(changes.length === 0 || 'reason' in newest ? {} : { locked: newest }),
  };
}

async function newestOf(target: BaseTarget, resolve: () => Promise<LockedBase>): Promise<LockedBase | ScanGap> {
  try {
    return await resolve();
  } catch (error) {
    if (!(error instanceof OakumError)) throw error;
    return { what: `newer packages of base ${target.name}`, reason: error.message };
  }
}

function packagesOf(base: LockedBase): readonly BasePackage[] {
  return Object.values(packagesOfBase(base)).flatMap((list) => list ?? []);
}

/** An image may be another one although it lists the same packages. */
function imageChange(before: LockedBase, after: LockedBase): BasePlan['changes'] {
  const [from, to] = [before.image?.digest, after.image?.digest];
  if (to === undefined || from === to) return [];
  return [{ package: after.image?.reference ?? '', ...(from === undefined ? {} : { from }), to }];
}

/** Where newer packages of a base would come from, and the verb. */
function sourceOf({ image, alpine }: LockedBase): string {
  if (image !== undefined) return 'its image does';
  return alpine === undefined ? 'its suites do' : 'its repositories do';
}

/** What feeds call the distribution of a base: by its suite's codename, its branch, or by what its image's os-release says. */
function ecosystemOfBase({ releases, image, alpine }: LockedBase): string | undefined {
  if (alpine !== undefined) return ecosystemOf('alpine', alpine.branch);
  const [platform] = Object.values(image?.platforms ?? {});
  if (platform === undefined) return ecosystemOf('debian', releases[0]?.codename.split('-', 1)[0]);
  return ecosystemOf(platform.distribution.id, platform.distribution.versionId);
}

function subjectOf(name: string, base: LockedBase): ScanSubject {
  const ecosystem = ecosystemOfBase(base);
  const found = packagesOf(base).map((one) =>
    distributionPackage(
      {
        type: one.kind,
        namespace: ecosystem?.split(':', 1)[0]?.toLowerCase() ?? '',
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
    gaps: ecosystem === undefined ? [{ what: name, reason: 'it is of no distribution that feeds cover' }] : [],
  };
}

function changesBetween(before: readonly BasePackage[], after: readonly BasePackage[]): BasePlan['changes'] {
  const known = new Map(before.map((one) => [`${one.name}/${one.architecture}`, one.version]));
  const changed = after.filter((one) => known.get(`${one.name}/${one.architecture}`) !== one.version);
  const unique = new Map(changed.map((one) => [one.name, one]));
  const there = new Set(after.map(({ name }) => name));
  const gone = new Map(before.filter(({ name }) => !there.has(name)).map((one) => [one.name, one.version]));
  return [
    ...[...unique.values()].map((one) => {
      const from = known.get(`${one.name}/${one.architecture}`);
      return { package: one.name, ...(from === undefined ? {} : { from }), to: one.version };
    }),
    ...[...gone].map(([name, from]) => ({ package: name, from, to: 'gone' })),
  ];
}

function keyOf(finding: Finding): string {
  return `${finding.package.name} ${finding.id}`;
}
