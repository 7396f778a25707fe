// SPDX-License-Identifier: Apache-2.0
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryName } from '#core';
import { isAlive } from './alive.ts';

const PAUSE_MILLISECONDS = 25;
const PATIENCE_MILLISECONDS = 30_000;

/**
 * Runs something while a file that names this process keeps others out. A lock whose process is gone is taken over;
 * throws what `busy` gives after `patience` milliseconds (half a minute) of waiting for a living one.
 */
export async function whileLocked<T>(
  path: string,
  busy: () => Error,
  run: () => Promise<T>,
  patience = PATIENCE_MILLISECONDS,
): Promise<T> {
  const mine = temporaryName(path);
  await writeFile(mine, String(process.pid), { flag: 'wx' });
  try {
    for (let attempt = 1; !(await take(mine, path)); attempt += 1) {
      if (attempt * PAUSE_MILLISECONDS >= patience) throw busy();
      if (!(await dropStale(path))) await delay(PAUSE_MILLISECONDS);
    }
    try {
      return await run();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** A hard link comes into being whole, with its content, or not at all. */
async function take(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock whose process is gone; should another run have renewed it meanwhile, puts that one back. */
async function dropStale(path: string): Promise<boolean> {
  const owner = await readFile(path, 'utf8').catch(() => '');
  if (owner === '' || isAlive(Number(owner))) return false;
  const aside = temporaryName(path);
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== owner) await link(aside, path);
  } catch {
    // Another run was faster: the next attempt sees what it left.
  } finally {
    await rm(aside, { force: true });
  }
  return true;
}
