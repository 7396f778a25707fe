// SPDX-License-Identifier: Apache-2.0
import { type Refresh, type StoreStatus, withStore } from '#store';
import { openFeeds } from '#vulnerabilities';
import { readFeedAges } from '../feed-ages.ts';
import { formatBytes, formatTable } from '../format.ts';
import { type OutputFlags, print } from '../session.ts';
import { requireStore } from '../store.ts';
import type { World } from '../world.ts';

/** `oakum store status`: shows what the store holds. */
export async function showStore(flags: OutputFlags, world: World): Promise<void> {
  const status = await withStore(await requireStore(world), (store) => store.status());
  print(flags, status, () => describeStatus(status));
}

/** `oakum store refresh`: brings the store up to date with the feeds on disk, and shows what that changed. */
export async function refreshStore(flags: OutputFlags & { readonly definition?: string }, world: World): Promise<void> {
  const maxAgeDays = await readFeedAges(flags.definition, world);
  const feeds = openFeeds({ folder: world.stateFolder, clock: world.clock, maxAgeDays });
  const refresh = await withStore(await requireStore(world), (store) => store.refresh(feeds, world.clock.now()));
  print(flags, refresh, () => describeRefresh(refresh));
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

function describeRefresh({ kind, sboms, affectedSboms, matched, changes }: Refresh): string {
  if (kind === 'older')
    return 'The store was matched with newer feeds than those on this machine; nothing was changed\n';
  const rows = changes.map((change) => [
    change.kind,
    change.name,
    change.package.name,
    change.package.version,
    String(change.subjects),
  ]);
  const table =
    rows.length === 0 ? '' : `${formatTable(['WHAT', 'FINDING', 'PACKAGE', 'VERSION', 'SUBJECTS'], rows)}\n`;
  return `${table}${matched} packages matched, of ${affectedSboms} of ${sboms} SBOMs; ${changes.length} changes\n`;
}
