// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAlive } from './alive.ts';
import { removeTree } from './remove-tree.ts';

/** Something the cache can do without: a blob, a folder made by a step, or a file of a tool's own cache. */
interface Prunable {
  readonly group: string;
  readonly bytes: number;
  readonly usedAt: number;
  remove(): Promise<void>;
}

/** How much one part of the cache holds. */
export interface CacheUsage {
  readonly group: string;
  readonly entries: number;
  readonly bytes: number;
}

/** What a prune did; `kept` is what remains, in bytes. */
export interface PruneReport {
  readonly removed: number;
  readonly freedBytes: number;
  readonly keptBytes: number;
}

/** Gives the size of each part of the cache below `folder`, largest first. */
export async function measureCache(folder: string): Promise<readonly CacheUsage[]> {
  const groups = Map.groupBy(await prunables(folder), (entry) => entry.group);
  return [...groups]
    .map(([group, entries]) => ({ group, entries: entries.length, bytes: total(entries) }))
    .sort((a, b) => b.bytes - a.bytes);
}

/**
 * Removes what was not used for longest until the cache holds at most `maxBytes`. What any living run has used since
 * it began stays, so a prune beside a release is safe; `ownPid` is the run that prunes and does not count.
 */
export async function pruneCache(folder: string, maxBytes: number, ownPid: number): Promise<PruneReport> {
  const oldestRun = await oldestLivingRun(folder, ownPid);
  const entries = (await prunables(folder)).sort((a, b) => a.usedAt - b.usedAt);
  let keptBytes = total(entries);
  let removed = 0;
  let freedBytes = 0;
  for (const entry of entries) {
    if (keptBytes <= maxBytes) break;
    if (entry.usedAt >= oldestRun) continue;
    await entry.remove();
    keptBytes -= entry.bytes;
    freedBytes += entry.bytes;
    removed += 1;
  }
  return { removed, freedBytes, keptBytes };
}

/** Notes that this process uses the cache from now on; forgets the processes that are gone. */
export async function registerRun(folder: string, pid: number): Promise<void> {
  const runs = join(folder, 'runs');
  await mkdir(runs, { recursive: true });
  for (const name of await readdir(runs)) {
    if (!isAlive(Number(name))) await rm(join(runs, name), { force: true });
  }
  await writeFile(join(runs, String(pid)), '');
}

async function oldestLivingRun(folder: string, ownPid: number): Promise<number> {
  let oldest = Number.POSITIVE_INFINITY;
  for (const name of await readdir(join(folder, 'runs')).catch(() => [])) {
    const pid = Number(name);
    if (pid === ownPid || !isAlive(pid)) continue;
    oldest = Math.min(oldest, (await stat(join(folder, 'runs', name))).mtimeMs);
  }
  return oldest;
}

async function prunables(folder: string): Promise<Prunable[]> {
  const trees = await treesOf(folder);
  const places = new Set(trees.map((tree) => tree.place));
  return [...(await filesOf(join(folder, 'blobs'), 'blobs')), ...trees, ...(await areaFiles(folder, places))];
}

async function treesOf(folder: string): Promise<(Prunable & { place: string })[]> {
  const trees: (Prunable & { place: string })[] = [];
  for (const record of await filesOf(join(folder, 'records'), 'records')) {
    const text = await readFile(record.path, 'utf8').catch(() => '{}');
    const place: unknown = (JSON.parse(text || '{}') as Record<string, unknown>)['path'];
    if (typeof place !== 'string') continue;
    const path = join(folder, place);
    trees.push({
      place,
      group: `trees/${dirname(record.path).split('/').at(-1)}`,
      bytes: total(await filesOf(path, '')),
      usedAt: record.usedAt,
      remove: async () => {
        await rm(record.path, { force: true }); // the record first: a folder without one is not trusted
        await removeTree(path);
      },
    });
  }
  return trees;
}

/** Files of areas that hold no trees: tools' caches (Go's build cache), where each file may go on its own. */
async function areaFiles(folder: string, places: ReadonlySet<string>): Promise<Prunable[]> {
  const areas = await readdir(join(folder, 'areas')).catch(() => []);
  const free = areas.filter((area) => ![...places].some((place) => place.startsWith(`areas/${area}/`)));
  return (await Promise.all(free.map((area) => filesOf(join(folder, 'areas', area), `areas/${area}`)))).flat();
}

async function filesOf(folder: string, group: string): Promise<(Prunable & { path: string })[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files: (Prunable & { path: string })[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined)
      files.push({ path, group, bytes: found.size, usedAt: found.mtimeMs, remove: () => rm(path, { force: true }) });
  }
  return files;
}

function total(entries: readonly { bytes: number }[]): number {
  return entries.reduce((sum, entry) => sum + entry.bytes, 0);
}
