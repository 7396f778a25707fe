// SPDX-License-Identifier: Apache-2.0
import { measureCache, pruneCache } from '#cache';
import { OakumError } from '#core';
import { formatBytes, formatTable } from '../format.ts';
import { type OutputFlags, print } from '../session.ts';
import type { World } from '../world.ts';

/** `oakum cache`: shows what the cache holds. */
export async function showCache(flags: OutputFlags, world: World): Promise<void> {
  const usage = await measureCache(world.cacheFolder);
  const bytes = usage.reduce((sum, part) => sum + part.bytes, 0);
  print(flags, { folder: world.cacheFolder, bytes, parts: usage }, () => {
    const rows = usage.map((part) => [part.group, String(part.entries), formatBytes(part.bytes)]);
    return `${formatTable(['PART', 'ENTRIES', 'SIZE'], rows, ['ENTRIES', 'SIZE'])}\n${world.cacheFolder}: ${formatBytes(bytes)}\n`;
  });
}

/** `oakum cache prune`: removes what was not used for longest. */
export async function prune(flags: OutputFlags & { maxSize: string; all?: boolean }, world: World): Promise<void> {
  const report = await pruneCache(world.cacheFolder, flags.all ? 0 : parseSize(flags.maxSize), process.pid);
  print(
    flags,
    report,
    () =>
      `removed ${report.removed} entries, ${formatBytes(report.freedBytes)}; ${formatBytes(report.keptBytes)} remain\n`,
  );
}

/** Takes `500MB`, `5GB`, `5GiB` or a number of bytes; gives bytes. */
function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?$/i.exec(text);
  if (match === null) throw new OakumError('usage', 'FLAG_INVALID', `--max-size takes a size like 5GB, not "${text}"`);
  const [, number = '', unit = '', binary = ''] = match;
  const power = unit === '' ? 0 : 'kmgt'.indexOf(unit.toLowerCase()) + 1;
  return Math.round(Number(number) * (binary === '' ? 1000 : 1024) ** power);
}
