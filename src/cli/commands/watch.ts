// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OakumError, type Report } from '#core';
import { type RoundOutcome, repeatRounds, watchRound } from '#factory';
import { openPost, openTargets } from '#notifications';
import { whileAlone } from '../exclusive.ts';
import { EXIT_CODES, VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { readReleaseImages } from '../release-images.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { loadDefinition } from '../shop.ts';
import { openWatchParts, releaseOf, type WatchFlags } from '../watch-parts.ts';
import type { World } from '../world.ts';

/** `oakum watch`: rounds for ever, or one (`once`), which leaves its verdict in the exit code. One process at a time for a distribution. */
export async function watch(
  releases: readonly string[],
  flags: WatchFlags & OutputFlags & { readonly once?: boolean },
  world: World,
): Promise<void> {
  requireReleases(releases);
  const { definition } = (await loadDefinition(flags, world)).read;
  const folder = join(world.stateFolder, 'watch');
  await mkdir(folder, { recursive: true });
  const round = async () => {
    const outcome = await withProgress(flags, world, (report) => runRound(releases, flags, { world, report }));
    print(flags, outcome, () => describe(outcome));
    return outcome;
  };
  const exclusive = {
    file: join(folder, `${definition.name}.lock`),
    code: 'WATCH_BUSY',
    message: 'another `oakum watch` of this distribution runs',
    hint: 'One is enough: let it work, or stop it first.',
  };
  await whileAlone(exclusive, async () => {
    if (flags.once) process.exitCode = exitCodeOf(await round());
    else await repeatRounds(definition.watch.every, async () => void (await round()), world);
  });
}

/** Definition, lock and addresses are read anew for each round: what was changed counts from the next one on. */
async function runRound(
  releases: readonly string[],
  flags: WatchFlags,
  { world, report }: { readonly world: World; readonly report: Report },
): Promise<RoundOutcome> {
  const loaded = await loadDefinition(flags, world);
  const { definition, file } = loaded.read;
  const { clock, http, signal, env } = world;
  const post = await openPost({
    file: join(world.stateFolder, 'watch', `${definition.name}.json`),
    distribution: definition.name,
    targets: await openTargets(definition.watch.notify, { env, folder: dirname(file) }),
    http,
    clock,
    signal,
  });
  const named = releases.length > 0 ? releases : definition.watch.releases;
  const watched = named.length > 0 ? named : [await releaseHere(world)];
  const parts = openWatchParts({ loaded, flags, world, report });
  return watchRound({ releases: watched, policy: definition.watch, parts, post, clock, report, signal });
}

function requireReleases(releases: readonly string[]): void {
  const wrong = releases.find((release) => !/^\d+\.\d+(?:\.\d+)?$/.test(release));
  if (wrong === undefined) return;
  throw new OakumError('usage', 'RELEASE_INVALID', `${JSON.stringify(wrong)} is neither a line nor a release`, {
    hint: 'Write 2.9 for a line, or 2.9.2 for a release.',
  });
}

async function releaseHere(world: World): Promise<string> {
  const { revision } = await readReleaseImages('out', world);
  return releaseOf(revision);
}

function exitCodeOf({ decisions, failed, faults, undelivered }: RoundOutcome): number {
  if (decisions.length > 0 || failed.length > 0) return VERDICT_EXIT_CODE;
  return faults.length > 0 || undelivered.length > 0 ? EXIT_CODES.network.code : 0;
}

function describe({ at, told, published, decisions, failed, faults, undelivered }: RoundOutcome): string {
  return [
    `Round of ${at.toISOString()}`,
    ...told.map(({ kind, text }) => `  ${kind}: ${text}`),
    ...(told.length === 0 ? ['  nothing new'] : []),
    ...published.map((revision) => `Published ${revision}`),
    ...failed.map((revision) => `Could not make ${revision}`),
    ...decisions.map((file) => `To be decided: ${file}`),
    ...faults.map(
      ({ step, release, message }) => `Not done: ${step}${release === undefined ? '' : ` ${release}`}: ${message}`,
    ),
    ...undelivered.map(({ target, reason }) => `Not delivered to ${target}, kept for the next round: ${reason}`),
    '',
  ].join('\n');
}
