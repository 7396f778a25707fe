// SPDX-License-Identifier: Apache-2.0
import { type Refresh, type StoreStatus, toScanRecord, withStore } from '#store';
import { scan, type ScanVerdict } from '#vulnerabilities';
import { EXIT_BY_SCAN_VERDICT } from '../exit-codes.ts';
import { openFeedsQuickly } from '../feed-ages.ts';
import { formatBytes, formatTable } from '../format.ts';
import { openTargets } from '../scan-targets.ts';
import { type OutputFlags, print } from '../session.ts';
import { describeFeeds } from '../stale-feeds.ts';
import { releasesOf, requireStore, storeOptions } from '../store.ts';
import type { World } from '../world.ts';

/** `oakum store status`: shows what the store holds. */
export async function showStore(flags: OutputFlags, world: World): Promise<void> {
  const status = await withStore(await requireStore(world), (store) => store.status());
  print(flags, status, () => describeStatus(status));
}

/**
 * `oakum store refresh`: brings the store up to date with the feeds on disk, and shows what that changed. The exit code is that of a scan:
 * 1 where a finding appeared, 4 where none did and the feeds can't tell everything.
 */
export async function refreshStore(flags: OutputFlags & { readonly definition?: string }, world: World): Promise<void> {
  const feeds = await openFeedsQuickly(flags.definition, world);
  const refresh = await withStore(await requireStore(world), (store) => store.refresh(feeds, world.clock.now()));
  const status = await feeds.status();
  print(flags, { ...refresh, feeds: status }, () =>
    [describeRefresh(refresh), describeFeeds(status)].filter((part) => part !== '').join('\n'),
  );
  process.exitCode = EXIT_BY_SCAN_VERDICT[verdictOfRefresh(refresh)];
}

/** As a scan has it: what built an image is not in it. */
function verdictOfRefresh({ kind, changes, gaps }: Refresh): ScanVerdict {
  const isNew = (change: Refresh['changes'][number]) =>
    change.kind === 'new' && change.subjects > 0 && change.package.scope === 'image';
  if (changes.some(isNew)) return 'findings';
  return kind === 'older' || gaps.length > 0 ? 'unchecked' : 'clean';
}

/** Flags of `oakum store rebuild`. */
interface RebuildFlags extends OutputFlags {
  readonly definition?: string;
  readonly platform?: readonly string[];
  readonly plainHttp?: boolean;
}

/**
 * `oakum store rebuild`: puts what these targets and the feeds say in the place of all that the store holds. Nothing is thrown away
 * before all targets are read and matched. Scans that wait are taken in first, and go with the rest.
 */
export async function rebuildStore(targets: readonly string[], flags: RebuildFlags, world: World): Promise<void> {
  const now = world.clock.now();
  const feeds = await openFeedsQuickly(flags.definition, world);
  const subjects = await openTargets(targets, { ...flags, world });
  const record = toScanRecord(await scan(subjects, { feeds, now }), subjects, await releasesOf(subjects, world));
  const status = await withStore(storeOptions(world), async (store) => {
    await store.rebuild([record], feeds, now);
    return store.status();
  });
  print(flags, status, () => describeStatus(status));
}

function describeStatus({ where, engine, schema, bytes, counts, pending, feeds }: StoreStatus): string {
  const rows = Object.entries(counts).map(([name, count]) => [name, String(count)]);
  const matched = feeds.map(({ name, digest, fetchedAt }) => `  ${name} ${digest} of ${fetchedAt.toISOString()}\n`);
  return [
    `${where} (${engine}), schema ${schema}, ${formatBytes(bytes)}\n\n`,
    formatTable(['WHAT', 'COUNT'], rows, ['COUNT']),
    pending === 0 ? '' : `${pending} packages were not looked up yet: \`oakum store refresh\`\n`,
    matched.length === 0 ? '' : `Matched with:\n${matched.join('')}`,
  ].join('');
}

function describeRefresh({ kind, sboms, affectedSboms, matched, changes, gaps }: Refresh): string {
  const unchecked = gaps.map(({ what, reason }) => `  ${what}: ${reason}\n`);
  const notes = unchecked.length === 0 ? '' : `\nNot checked:\n${unchecked.join('')}`;
  if (kind === 'older')
    return `The store was matched with newer feeds than those on this machine; nothing was changed\n${notes}`;
  const rows = changes.map((change) => [
    change.kind,
    change.name,
    change.package.name,
    change.package.version,
    String(change.subjects),
  ]);
  const table =
    rows.length === 0 ? '' : `${formatTable(['WHAT', 'FINDING', 'PACKAGE', 'VERSION', 'SUBJECTS'], rows)}\n`;
  return `${table}${matched} packages matched, of ${affectedSboms} of ${sboms} SBOMs; ${changes.length} changes\n${notes}`;
}
