// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { whileLocked } from '#cache';
import { StoreError } from './error.ts';
import { waitingScans } from './inbox.ts';
import type { Store, StoreOptions } from './types.ts';

/** Says whether there is a store, or a scan that waits for one; a server counts as one. Opens nothing. */
export async function hasStore({ dataFolder, url }: StoreOptions): Promise<boolean> {
  return (
    url !== undefined ||
    existsSync(join(dataFolder, 'store', 'database')) ||
    (await waitingScans(dataFolder)).length > 0
  );
}

/**
 * Opens the store, brings its schema up to date, takes in the scans that wait, and runs something with it. The database in the data
 * folder is one process's at a time; others wait. Loads the database's code only now. Throws {@link StoreError}.
 */
export async function withStore<T>(options: StoreOptions, run: (store: Store) => Promise<T>): Promise<T> {
  const { useDatabase } = await import('./use.ts');
  const { connectFolder, connectServer, addressOf } = await import('./connect.ts');
  const { dataFolder, url, patienceMilliseconds } = options;
  if (url !== undefined) return useDatabase(await connectServer(url), { ...options, where: addressOf(url) }, run);
  const folder = join(dataFolder, 'store');
  await mkdir(folder, { recursive: true });
  const lock = join(folder, 'lock');
  const busy = () =>
    new StoreError('STORE_BUSY', 'another process has the store open', {
      where: folder,
      hint: 'Wait for it. For several at once use a PostgreSQL server (OAKUM_STORE_URL).',
    });
  const where = join(folder, 'database');
  return whileLocked(
    lock,
    busy,
    async () => useDatabase(await connectFolder(where), { ...options, where }, run),
    patienceMilliseconds,
  );
}
