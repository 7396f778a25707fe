// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { removeTree } from '#cache';
import { OakumError } from '#core';
import { type FeedsOfDay, replayRelease } from '#factory';
import type { Replay, ReplayedFinding } from '#patch';
import { openFeeds, SLA_POLICIES, type SlaReport, updateFeeds } from '#vulnerabilities';
import { openFeedsOf } from '../feed-settings.ts';
import { formatTable } from '../format.ts';
import { readMoment } from '../moment.ts';
import { readReleaseImages } from '../release-images.ts';
import { openTargets } from '../scan-targets.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { loadDefinition, openShop, type SharedFlags } from '../shop.ts';
import { temporaryPath } from '../temporary.ts';
import type { World } from '../world.ts';

interface ReplayFlags extends SharedFlags, OutputFlags {
  readonly from: string;
  readonly to: string;
  readonly history?: string;
  readonly every: number;
  readonly build: number;
}

const HOUR = 3_600_000;
/** Dated copies of the Go database, as a mirror keeps them. */
const DATED = /^go-vulndb-(\d{4}-\d{2}-\d{2})\.zip$/;

/** `oakum replay`: walks through the past of the feeds, and says how fast each finding of a release would have been fixed. */
export async function replayPast(version: string, flags: ReplayFlags, world: World): Promise<void> {
  const [from, to] = [readMoment(flags.from, 'from'), readMoment(flags.to, 'to')];
  if (from > to) throw new OakumError('usage', 'FLAG_INVALID', '--from is after --to');
  const scratch = temporaryPath('replay');
  const result = await withProgress(flags, world, async (report) => {
    try {
      const loaded = await loadDefinition(flags, world);
      const shop = await openShop(loaded, { flags, world, report });
      const subjects = await openTargets([version], { world });
      const { images } = await readReleaseImages('out', world);
      const now = { date: to, feeds: openFeedsOf(loaded.read, { ...world, clock: { ...world.clock, now: () => to } }) };
      const dated = flags.history === undefined ? [] : await readHistory(flags.history, { scratch, world });
      const history = [...dated.filter(({ date }) => date <= to), now];
      const pace = { everyMilliseconds: flags.every * HOUR, buildMilliseconds: flags.build * 60_000 };
      return await replayRelease(
        { subjects, images, history, from, to, pace, policies: Object.values(SLA_POLICIES) },
        shop,
      );
    } finally {
      await removeTree(scratch);
    }
  });
  print(flags, result, () => describe(result));
}

async function readHistory(
  folder: string,
  { scratch, world }: { scratch: string; world: World },
): Promise<readonly FeedsOfDay[]> {
  const path = resolve(world.workingFolder, folder);
  const names = await readdir(path).catch((error: unknown) => {
    throw new OakumError('usage', 'HISTORY_UNREADABLE', "the history of the feeds can't be read", {
      where: path,
      cause: error,
    });
  });
  const days = names.flatMap((name) => ({ name, day: DATED.exec(name)?.[1] ?? '' })).filter(({ day }) => day !== '');
  if (days.length === 0) {
    throw new OakumError('usage', 'HISTORY_EMPTY', 'there is no go-vulndb-YYYY-MM-DD.zip', { where: path });
  }
  return Promise.all(
    days
      .toSorted((a, b) => (a.day < b.day ? -1 : 1))
      .map(async ({ name, day }) => {
        const date = new Date(`${day}T00:00:00Z`);
        const clock = { ...world.clock, now: () => date };
        const place = join(scratch, day);
        await mkdir(join(place, 'mirror'), { recursive: true });
        await symlink(join(path, name), join(place, 'mirror/go-vulndb.zip'));
        const sources = { mirror: join(place, 'mirror') };
        const [updated] = await updateFeeds({
          http: world.http,
          clock,
          folder: place,
          sources,
          only: ['go'],
          report: () => undefined,
        });
        if (updated?.result !== 'updated') {
          throw new OakumError(
            'usage',
            'HISTORY_UNREADABLE',
            `this day can't be read: ${updated?.reading.reason ?? 'no database'}`,
            {
              where: join(path, name),
            },
          );
        }
        return { date, feeds: openFeeds({ folder: place, clock }) };
      }),
  );
}

function describe({ findings, days, reports, from, to }: Replay): string {
  const rows = [
    ...Map.groupBy(
      findings,
      (one) => `${one.vulnerability} ${one.disclosed.toISOString()} ${one.published?.toISOString()}`,
    ).values(),
  ]
    .map((group) => ({ first: group[0] as ReplayedFinding, count: group.length }))
    .toSorted((a, b) => +a.first.disclosed - +b.first.disclosed)
    .map(({ first, count }) => [
      first.vulnerability,
      String(count),
      dayOf(first.disclosed),
      first.fixed === undefined ? 'none' : dayOf(first.fixed),
      first.published === undefined ? '-' : dayOf(first.published),
      first.days === undefined ? '-' : first.days.toFixed(2),
    ]);
  const header = ['FINDING', 'IMAGES', 'DISCLOSED', 'FIX SINCE', 'PUBLISHED', 'DAYS'];
  return `${formatTable(header, rows, ['IMAGES', 'DAYS'])}\n${summary(days)}\n${reports.map((one) => promise(one, from, to)).join('')}`;
}

function summary({ fixes, median, p90, most }: Replay['days']): string {
  if (median === undefined || p90 === undefined || most === undefined) return 'Nothing became fixable in this time.';
  return `${fixes} fixes, from advisory and fix public to published: median ${median.toFixed(2)} days, p90 ${p90.toFixed(2)}, most ${most.toFixed(2)}`;
}

function promise({ policy, breaches, metPercent }: SlaReport, from: Date, to: Date): string {
  const met = metPercent === undefined ? 'no clock stopped' : `${metPercent} % of the clocks that stopped were in time`;
  const unfixable = breaches.filter(({ fixAvailableAt }) => fixAvailableAt === undefined).length;
  const beside = unfixable === 0 ? '' : `, ${unfixable} of them without any fix upstream`;
  return `${policy.name}, ${dayOf(from)} to ${dayOf(to)}: ${met}, ${breaches.length} breaches${beside}\n`;
}

function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 16).replace('T', ' ');
}
