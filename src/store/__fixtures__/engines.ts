// SPDX-License-Identifier: Apache-2.0
// New, empty stores on both engines. PostgreSQL must be there: without it these tests fail, and say what to install.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '#testing';
import { withStore } from '../open.ts';
import type { StoreOptions } from '../types.ts';

/** Both engines; each gives options of stores that nothing was stored in yet. */
export interface Engines {
  readonly server: PostgresServer;
  newStore(engine: EngineName): StoreOptions;
  stop(): Promise<void>;
}

/** Where a store can be. */
export const ENGINES = ['PGlite', 'PostgreSQL'] as const;

/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number];

/** Starts a server, and makes one database in a folder of which each new store is a copy: making one takes seconds. */
export async function startEngines(): Promise<Engines> {
  const folder = mkdtempSync(join(tmpdir(), 'oakum-store-'));
  const server = await startPostgres();
  const template = join(folder, 'template');
  await withStore({ dataFolder: template, report: () => undefined }, async () => undefined);
  let count = 0;
  return {
    server,
    newStore(engine) {
      count += 1;
      const dataFolder = join(folder, `store-${count}`);
      if (engine === 'PGlite') cpSync(template, dataFolder, { recursive: true });
      return { dataFolder, report: () => undefined, ...(engine === 'PGlite' ? {} : { url: server.createDatabase() }) };
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
