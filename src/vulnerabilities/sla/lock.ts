// SPDX-License-Identifier: Apache-2.0
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { isAlive } from '#cache';
import { type Clock, temporaryName } from '#core';
import { VulnerabilityError } from '../error.ts';

const WAIT_MILLISECONDS = 25;
const ATTEMPTS = 1200;

/** Runs something while a file with this process's id keeps others out. One whose process is gone is taken over; throws `SLA_LOG_BUSY`. */
export async function whileLocked<T>(path: string, clock: Pick<Clock, 'sleep'>, run: () => Promise<T>): Promise<T> {
  const mine = temporaryName(path);
  await writeFile(mine, String(process.pid), { flag: 'wx' });
  try {
    for (let attempt = 1; !(await taken(mine, path)); attempt += 1) {
      if (attempt >= ATTEMPTS)
        throw new VulnerabilityError('SLA_LOG_BUSY', 'another run has been writing to the event log for too long', {
          where: path,
          hint: 'Wait for it; if none is running, remove this file.',
        });
      const owner = await readFile(path, 'utf8').catch(() => '');
      if (owner !== '' && !isAlive(Number(owner))) await rm(path, { force: true });
      else await clock.sleep(WAIT_MILLISECONDS);
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

/** A hard link comes into being whole, or not at all. */
async function taken(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
