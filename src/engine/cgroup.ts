// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '#cache';

/** Where control groups for steps can be made: one folder for v2, one for each controller for v1. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  readonly memory: string | undefined;
  readonly pids: string | undefined;
}

/** A control group of one step. */
export interface Cgroup {
  /** Files that a process writes its id to in order to join. */
  readonly joins: readonly string[];
  /** Says which limits were met, by the kernel's counters. */
  struck(): Promise<{ readonly memory: boolean; readonly processes: boolean }>;
  /** Kills what is left inside, waits until nothing is, and removes the group. */
  remove(): Promise<void>;
}

const PREFIX = 'oakum-';

/**
 * Finds where groups could be made, from /proc/self/mountinfo and /proc/self/cgroup (cgroups(7)): below our own group, so
 * that limits set on Oakum hold for its steps too. For v2 the nearest group upward whose children have both controllers.
 */
export async function findCgroupPlace(proc = '/proc'): Promise<CgroupPlace | undefined> {
  const mounts = parseMounts(await readFile(join(proc, 'self/mountinfo'), 'utf8').catch(() => ''));
  const own = parseOwn(await readFile(join(proc, 'self/cgroup'), 'utf8').catch(() => ''));
  const place = async (controller: string) => {
    const mount = mounts.find((entry) => entry.type === 'cgroup' && entry.options.includes(controller));
    return mount === undefined ? undefined : await existingFolder(mount, own.get(controller) ?? '/');
  };
  const [memory, pids] = await Promise.all([place('memory'), place('pids')]);
  if (memory !== undefined || pids !== undefined) return { version: 1, memory, pids };
  const unified = mounts.find((entry) => entry.type === 'cgroup2');
  if (unified === undefined) return undefined;
  const start = await existingFolder(unified, own.get('') ?? '/');
  for (let folder = start; folder.startsWith(unified.target); folder = dirname(folder)) {
    const enabled = (await readFile(join(folder, 'cgroup.subtree_control'), 'utf8').catch(() => '')).trim().split(' ');
    if (enabled.includes('memory') && enabled.includes('pids')) return { version: 2, memory: folder, pids: folder };
  }
  return undefined;
}

/** Makes a group with limits (bytes; processes and threads). Throws what the file system throws. */
export async function makeCgroup(
  place: CgroupPlace,
  limits: { readonly memoryBytes: number; readonly processes: number },
): Promise<Cgroup> {
  const name = `${PREFIX}${process.pid}-${randomBytes(6).toString('hex')}`;
  const memory = place.memory === undefined ? undefined : join(place.memory, name);
  const pids = place.pids === undefined ? undefined : join(place.pids, name);
  const folders = [...new Set([memory, pids].filter((folder) => folder !== undefined))];
  const group: Cgroup = {
    joins: folders.map((folder) => join(folder, 'cgroup.procs')),
    struck: async () => ({
      memory:
        memory !== undefined &&
        (await countOf(join(memory, place.version === 1 ? 'memory.oom_control' : 'memory.events'), 'oom_kill')) > 0,
      processes: pids !== undefined && (await countOf(join(pids, 'pids.events'), 'max')) > 0,
    }),
    remove: async () => {
      await Promise.all(folders.map(emptyAndRemove));
    },
  };
  try {
    for (const folder of folders) await mkdir(folder);
    if (memory !== undefined) await limitMemory(memory, place.version, limits.memoryBytes);
    if (pids !== undefined) await writeFile(join(pids, 'pids.max'), String(limits.processes));
  } catch (error) {
    await group.remove();
    throw error;
  }
  return group;
}

/** Removes empty groups that crashed runs left behind; one still in use refuses to go and is left alone. */
export async function sweepCgroups(place: CgroupPlace): Promise<void> {
  for (const folder of new Set([place.memory, place.pids])) {
    if (folder === undefined) continue;
    for (const name of await readdir(folder).catch(() => [])) {
      const pid = Number(/^oakum-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
      if (!Number.isNaN(pid) && !isAlive(pid)) await rmdir(join(folder, name)).catch(() => {});
    }
  }
}

async function limitMemory(folder: string, version: 1 | 2, bytes: number): Promise<void> {
  const ignoreAbsent = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'EACCES') throw error; // kernels without swap accounting lack these files
  };
  if (version === 1) {
    await writeFile(join(folder, 'memory.limit_in_bytes'), String(bytes));
    await writeFile(join(folder, 'memory.memsw.limit_in_bytes'), String(bytes), { flag: 'r+' }).catch(ignoreAbsent);
    return;
  }
  await writeFile(join(folder, 'memory.max'), String(bytes));
  await writeFile(join(folder, 'memory.swap.max'), '0', { flag: 'r+' }).catch(ignoreAbsent);
  await writeFile(join(folder, 'memory.oom.group'), '1', { flag: 'r+' }).catch(ignoreAbsent);
}

async function countOf(file: string, key: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function emptyAndRemove(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const left = (await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
    for (const pid of left) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended between reading and killing.
      }
    }
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
    await delay(5 + attempt);
  }
}

interface MountEntry {
  readonly root: string;
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** proc(5), mountinfo: `36 35 98:0 /root /target options - type source superoptions`. */
function parseMounts(text: string): readonly MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, target] = before.split(' ');
    const [type, , options] = after.split(' ');
    if (root === undefined || target === undefined || type === undefined) return [];
    return [{ root, target, type, options: options?.split(',') ?? [] }];
  });
}

/** /proc/self/cgroup: `4:memory:/path`, and `0::/path` for v2. */
function parseOwn(text: string): ReadonlyMap<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.+)$/.exec(line);
    for (const controller of match?.[1]?.split(',') ?? []) own.set(controller, match?.[2] ?? '/');
  }
  return own;
}

/** In a container the path may be told from outside its mount: then the mount's own top is our group. */
async function existingFolder(mount: MountEntry, path: string): Promise<string> {
  const inside = path.startsWith(mount.root) && mount.root !== '/' ? path.slice(mount.root.length) : path;
  const folder = join(mount.target, inside);
  const known = await readdir(folder).catch(() => undefined);
  return known === undefined ? mount.target : folder.replace(/\/$/, '');
}
