// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { escapeModuleText, type ModuleVersion } from '#formats';
import { invalidAnswer, proveInclusion } from './database-proofs.ts';
import { type DatabaseServerOptions, openDatabaseServer } from './database-server.ts';
import { nameOf } from './module-name.ts';
import { openTreeHead } from './seen-head.ts';
import { openTiles } from './tiles.ts';
import { openTreeHeads } from './tree-heads.ts';

/** What the database says about one module version, proved to be in its signed tree. */
export interface DatabaseRecord {
  readonly id: number;
  readonly zipHash: string;
  readonly modHash: string;
  /** The size of the tree it was proved in. */
  readonly treeSize: number;
}

/** Asks one checksum database and believes it only with proof. */
export interface DatabaseClient {
  /**
   * Gives a module's record, or undefined where the database has none. Checks: the head's signature, the record's
   * inclusion in the newest head, that head's consistency with the newest one this installation has seen.
   */
  lookup(module: ModuleVersion): Promise<DatabaseRecord | undefined>;
  /** Gives the database's newest tree head, checked like a lookup's. */
  latest(): Promise<DatabaseHead>;
}

/** A checksum database's name and how many records its newest tree head signs. */
export interface DatabaseHead {
  readonly name: string;
  readonly treeSize: number;
}

/** What {@link openDatabaseClient} needs. `tileFolder` may be deleted at any time, `stateFolder` may not. */
export interface DatabaseClientOptions extends DatabaseServerOptions {
  readonly stateFolder: string;
  readonly tileFolder: string;
}

/** Gives a client; nothing is asked before the first lookup. */
export function openDatabaseClient(options: DatabaseClientOptions): DatabaseClient {
  const { key } = options.database;
  const server = openDatabaseServer(options);
  const tiles = openTiles(
    join(options.tileFolder, `${encodeURIComponent(key.name)}+${key.hash}`),
    async (path) => (await server.get(path))?.bytes,
  );
  const heads = openTreeHeads({ key, stateFolder: options.stateFolder, server, tiles });
  return {
    async latest() {
      const head = await heads.newest();
      if (head === undefined) throw invalidAnswer('the checksum database has no latest tree head', key.name);
      return { name: key.name, treeSize: head.size };
    },
    async lookup(module) {
      await heads.newest();
      const path = `lookup/${escapeModuleText(module.path)}@${escapeModuleText(module.version)}`;
      const answer = await server.get(path);
      if (answer === undefined) return undefined;
      const { id, record, note } = splitAnswer(answer.bytes.toString('utf8'), answer.url);
      const served = openTreeHead(note, key, answer.url);
      await heads.merge(served, answer.url);
      const head = (await heads.newest()) ?? served;
      await proveInclusion(tiles, head, { id, record, where: answer.url });
      return { id, treeSize: head.size, ...hashesIn(record, module, answer.url) };
    },
  };
}

function splitAnswer(text: string, where: string): { id: number; record: string; note: string } {
  const [, id, record, note] = /^(\d{1,15})\n((?:[^\n]+\n)+)\n([^]+)$/.exec(text) ?? [];
  if (id === undefined || record === undefined || note === undefined) {
    throw invalidAnswer("the checksum database's answer is no record", where);
  }
  return { id: Number(id), record, note };
}

/** Both hashes must be for exactly this module version, each once; a record of another version would prove nothing. */
function hashesIn(record: string, module: ModuleVersion, where: string): { zipHash: string; modHash: string } {
  const find = (prefix: string) => {
    const lines = record.split('\n').filter((line) => line.startsWith(`${prefix} `));
    const [, hash] = /^(h1:[A-Za-z0-9+/]{43}=)$/.exec(lines[0]?.slice(prefix.length + 1) ?? '') ?? [];
    return lines.length === 1 ? hash : undefined;
  };
  const zipHash = find(`${module.path} ${module.version}`);
  const modHash = find(`${module.path} ${module.version}/go.mod`);
  if (zipHash === undefined || modHash === undefined) {
    throw invalidAnswer(`the checksum database's record does not name both hashes of ${nameOf(module)}`, where);
  }
  return { zipHash, modHash };
}
