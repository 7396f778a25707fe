// SPDX-License-Identifier: Apache-2.0
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '#cache';
import { temporaryName } from '#core';
import { ImageError } from './error.ts';

const WAIT_MILLISECONDS = 25;
const ATTEMPTS = 1200;

/**
 * Runs something while holding a lock file that names this process. A lock whose process is gone is taken over;
 * throws `LAYOUT_BUSY` after half a minute of waiting for a living one.
 */
export async function withLock<T>(path: string, run: () => Promise<T>): Promise<T> {
  const mine = temporaryName(path);
  await writeFile(mine, String(process.pid), { flag: 'wx' });
  try {
    for (let attempt = 1; !(await take(mine, path)); attempt += 1) {
      if (attempt >= ATTEMPTS) {
        throw new ImageError('LAYOUT_BUSY', 'another run has been writing to this layout for too long', {
          where: path,
          hint: 'Wait for it; if none is running, remove this file.',
        });
      }
      if (!(await dropStale(path))) await delay(WAIT_MILLISECONDS);
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
