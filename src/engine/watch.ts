// SPDX-License-Identifier: Apache-2.0
import { type Dirent, type StatsFs } from 'node:fs';
import { lstat, opendir, readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** What a step has left below its write mounts so far. */
export interface Usage {
  /** Bytes on disk of files and folders changed since the step began. */
  readonly bytes: number;
  readonly entries: number;
  /** The size of the largest file changed since. */
  readonly largest: number;
}

/**
 * Measures what changed below folders since a moment of the file system's clock (milliseconds; a process cannot set a
 * file's ctime back). Stops counting early once `stopAt` is passed, since a hostile tree may be endless. Follows no link.
 */
export async function measureUsage(
  folders: readonly string[],
  since: number,
  stopAt: { readonly bytes: number; readonly entries: number },
): Promise<Usage> {
  const usage = { bytes: 0, entries: 0, largest: 0 };
  const open = [...folders];
  while (open.length > 0 && usage.bytes <= stopAt.bytes && usage.entries <= stopAt.entries) {
    const folder = open.pop() as string;
    for await (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      const facts = await lstat(path).catch(() => undefined);
      if (facts === undefined) continue;
      if (facts.isDirectory()) open.push(path);
      if (facts.ctimeMs <= since) continue;
      usage.entries += 1;
      usage.bytes += facts.blocks * 512;
      if (facts.isFile()) usage.largest = Math.max(usage.largest, facts.size);
      if (usage.bytes > stopAt.bytes || usage.entries > stopAt.entries) break;
    }
  }
  return usage;
}

async function* entriesOf(folder: string): AsyncGenerator<Dirent> {
  try {
    for await (const entry of await opendir(folder)) yield entry;
  } catch {
    // Gone in the meantime, or closed by the step itself; what is closed to us is opened and counted when the step is over.
  }
}

/** Room left on the file systems below folders; the least of each. Asking costs next to nothing. */
export interface Room {
  readonly bytes: number;
  readonly files: number;
}

/** Gives the room left below folders. */
export async function measureRoom(folders: readonly string[]): Promise<Room> {
  const readings = await Promise.all(folders.map((folder) => statfs(folder).catch(() => undefined)));
  const known = readings.filter((reading): reading is StatsFs => reading !== undefined);
  return {
    bytes: Math.min(...known.map((reading) => reading.bavail * reading.bsize)),
    files: Math.min(...known.map((reading) => reading.ffree)),
  };
}

/** What the processes of a step use together, for machines where no control group can count. */
export interface TreeUsage {
  readonly residentBytes: number;
  readonly tasks: number;
}

/** Takes a process id; sums memory and tasks (processes and threads) of it and all below it, as /proc tells. */
export async function measureTree(root: number, proc = '/proc'): Promise<TreeUsage> {
  let residentBytes = 0;
  let tasks = 0;
  const open = [root];
  const seen = new Set<number>();
  while (open.length > 0) {
    const pid = open.pop() as number;
    if (seen.has(pid)) continue;
    seen.add(pid);
    const threads = await readdir(join(proc, String(pid), 'task')).catch(() => []);
    tasks += threads.length;
    const status = await readFile(join(proc, String(pid), 'status'), 'utf8').catch(() => '');
    for (const [, kibibytes] of status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm))
      residentBytes += Number(kibibytes) * 1024;
    for (const thread of threads) {
      const children = await readFile(join(proc, String(pid), 'task', thread, 'children'), 'utf8').catch(() => '');
      open.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  return { residentBytes, tasks };
}

/** Says whether a process runs; one that has ended and waits for its parent to look does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text !== '' && !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
}
