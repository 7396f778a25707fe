// SPDX-License-Identifier: Apache-2.0
import type { NoteKey } from '#formats';
import { areConsistent, assertHeld } from './database-proofs.ts';
import type { DatabaseServer } from './database-server.ts';
import { SourcesError } from './error.ts';
import { openSeenHead, openTreeHead, type TreeHead } from './seen-head.ts';
import type { Tiles } from './tiles.ts';

/** The signed heads of one database, each consistent with all seen before it. */
export interface TreeHeads {
  /** The newest head seen, by earlier runs or in this one; the database is asked for its latest once. Undefined when there is none. */
  newest(): Promise<TreeHead | undefined>;
  /** Checks a head against the newest; it becomes the newest when it is larger. */
  merge(head: TreeHead, where: string): Promise<void>;
}

/** What {@link openTreeHeads} needs. */
export interface TreeHeadsOptions {
  readonly key: NoteKey;
  readonly stateFolder: string;
  readonly server: DatabaseServer;
  readonly tiles: Tiles;
}

/** Gives the heads of the database with this key. */
export function openTreeHeads({ key, stateFolder, server, tiles }: TreeHeadsOptions): TreeHeads {
  const seen = openSeenHead(stateFolder, key);
  let current: TreeHead | undefined;
  const agreed = new Set<string>(); // heads of one history: each was compared with the largest of them
  const idOf = (head: TreeHead) => `${head.size}/${head.root.toString('base64')}`;

  /** Throws unless one of the two heads is of a tree that begins with the other's. */
  async function agree(stored: TreeHead, head: TreeHead, where: string): Promise<void> {
    if (agreed.has(idOf(stored)) && agreed.has(idOf(head))) return;
    if (await areConsistent(tiles, stored, head, where)) {
      agreed.add(idOf(stored)).add(idOf(head));
      return;
    }
    throw forked(stored, head, { where, files: await seen.keepFork(stored, head) });
  }

  async function merge(head: TreeHead, where: string): Promise<void> {
    if (current !== undefined) await agree(current, head, where);
    if (current !== undefined && head.size <= current.size) return;
    await seen.offer(head, async (stored) => {
      if (stored !== undefined) await agree(stored, head, where);
      current = stored !== undefined && stored.size >= head.size ? stored : head;
      return current === head;
    });
  }

  async function begin(): Promise<void> {
    current = await seen.read();
    const answer = await server.get('latest');
    if (answer === undefined) return;
    const head = openTreeHead(answer.bytes.toString('utf8'), key, answer.url);
    if (current !== undefined && head.size < current.size) await assertHeld(tiles, current, head, answer.url);
    await serial(() => merge(head, answer.url));
  }

  let queue: Promise<unknown> = Promise.resolve();
  function serial<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  }

  let beginning: Promise<void> | undefined;
  return {
    async newest() {
      await (beginning ??= begin());
      return current;
    },
    merge: (head, where) => serial(() => merge(head, where)),
  };
}

function forked(
  seen: TreeHead,
  served: TreeHead,
  { where, files }: { where: string; files: readonly string[] },
): SourcesError {
  const what = `its signed tree of ${served.size} records contradicts the one of ${seen.size} records seen before`;
  return new SourcesError('DATABASE_FORKED', `the checksum database shows different histories: ${what}`, {
    where,
    hint: `Trust nothing from it until this is understood. Both signed heads are kept as proof: ${files.join(' and ')}`,
  });
}
