// SPDX-License-Identifier: Apache-2.0
import { messageOf, type Platform } from '#core';
import { compareGoVersions, isGoVersion } from '#formats';
import { type Sources, toolchainModule } from '#sources';
import { type Advisory, type Finding, goReleaseVersion, type LifeCycle, toAdvisory } from '#vulnerabilities';
import { isTouched, type Staying, toStaying } from './floors.ts';
import { isAboutModule } from './shelf.ts';
import type { PatchTools } from './types.ts';

/** Which release of Go is to compile, and the findings that it fixes. */
export interface ToolchainPlan {
  readonly from: string;
  /** Undefined where the present one stays. */
  readonly to?: string;
  readonly fixed: readonly string[];
  readonly staying: readonly Staying[];
  /** What could not be known, in sentences. */
  readonly notes: readonly string[];
}

/** What choosing a release of Go needs. */
export interface ToolchainRequest {
  readonly present: string;
  readonly platforms: readonly Platform[];
  /** Findings in Go's standard library and in the toolchain, of all components. */
  readonly findings: readonly Finding[];
}

const NAMES = ['stdlib', 'toolchain'];

/** How many later releases are tried in place of one that can't be had. */
const TRIES = 4;

/**
 * Chooses the least release of Go above the present one that fixes all that can be fixed, of a series that is still supported,
 * and that the proxy serves for every platform that Oakum runs on. The present series comes first.
 */
export async function planToolchain(
  { present, platforms, findings }: ToolchainRequest,
  tools: Pick<PatchTools, 'feeds' | 'now' | 'sources'>,
): Promise<ToolchainPlan> {
  const unique = [...new Map(findings.map((one) => [`${one.package.name} ${one.id}`, one])).values()];
  const cycles = await tools.feeds.lifeCycles('go');
  const notes =
    cycles === undefined ? ['which series of Go are supported is not known: feed endoflife is missing'] : [];
  if (unique.length === 0) return { from: present, fixed: [], staying: [], notes };
  const advisories = (await tools.feeds.advisories('Go', new Set(NAMES))).map(toAdvisory);
  const candidates = candidatesOf(present, advisories, (series) => isSupported(series, cycles, tools.now));
  const sources = await tools.sources();
  const openAt = (release: string) => unique.filter((one) => isOpen(one, release, advisories));
  const best = Math.min(...candidates.map((release) => openAt(release).length), unique.length);
  const refused: string[] = [];
  for (const release of candidates.filter((one) => openAt(one).length === best).slice(0, TRIES)) {
    if (best === unique.length) break;
    const flaw = await unserved(release, platforms, sources);
    if (flaw !== undefined) {
      refused.push(flaw);
      continue;
    }
    const open = openAt(release);
    const fixed = unique.filter((one) => !open.includes(one)).map((one) => one.id);
    const staying = open.map((one) => toStaying(one, 'no release of a supported series of Go fixes it'));
    return { from: present, to: release, fixed: [...new Set(fixed)].sort(), staying, notes };
  }
  const reason = refused[0] ?? 'no release of a supported series of Go fixes it';
  return { from: present, fixed: [], staying: unique.map((one) => toStaying(one, reason)), notes };
}

/** Releases that an advisory calls fixed, above the present one: those of its series first, then of later ones. */
function candidatesOf(
  present: string,
  advisories: readonly Advisory[],
  isUsable: (series: string) => boolean,
): readonly string[] {
  const events = advisories
    .flatMap((one) => one.affected)
    .filter((entry) => NAMES.includes(entry.name))
    .flatMap((entry) => entry.ranges)
    .flatMap((range) => range.events);
  const releases = events
    .filter((event) => event.kind === 'fixed' && /^\d+\.\d+\.\d+$/.test(event.version))
    .map((event) => `go${event.version}`)
    .filter((release) => isGoVersion(release) && compareGoVersions(release, present) > 0);
  const isOther = (release: string) => Number(seriesOf(release) !== seriesOf(present));
  return [...new Set(releases)]
    .filter((release) => isUsable(seriesOf(release)))
    .sort((a, b) => isOther(a) - isOther(b) || compareGoVersions(a, b));
}

function isOpen(finding: Finding, release: string, advisories: readonly Advisory[]): boolean {
  const own = new Set(finding.matches.map((match) => match.advisory));
  const version = goReleaseVersion(release) ?? '';
  return advisories.some((one) => own.has(one.id) && isTouched({ path: finding.package.name, version }, one));
}

function isSupported(series: string, cycles: readonly LifeCycle[] | undefined, now: Date): boolean {
  const cycle = cycles?.find((one) => one.cycle === series);
  if (cycle === undefined) return cycles === undefined; // a series that the feed does not name is not released yet
  const { endOfLife } = cycle;
  return typeof endOfLife === 'string' ? Date.parse(endOfLife) > now.getTime() : endOfLife !== true;
}

async function unserved(
  release: string,
  platforms: readonly Platform[],
  sources: Pick<Sources, 'prove'>,
): Promise<string | undefined> {
  try {
    await Promise.all(platforms.map((platform) => sources.prove(toolchainModule(release, platform))));
    return undefined;
  } catch (error) {
    if (!isAboutModule(error)) throw error;
    return messageOf(error);
  }
}

function seriesOf(release: string): string {
  return release.replace(/^go/, '').split('.', 2).join('.');
}
