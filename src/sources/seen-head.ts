// SPDX-License-Identifier: Apache-2.0
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '#cache';
import { digestOf, hexOf, replaceFile } from '#core';
import { type NoteKey, parseSignedNote, readNoteSignature } from '#formats';
import { SourcesError } from './error.ts';

/** A signed tree head, its signature checked: how many records the database has, and the root hash over them. */
export interface TreeHead {
  readonly size: number;
  readonly root: Buffer;
  /** The signed note it came in, as served. */
  readonly note: string;
}

/** The newest head this installation has seen of one database, on disk. */
export interface SeenHead {
  read(): Promise<TreeHead | undefined>;
  /**
   * Offers a newer head. `isNewer` is asked with what is on disk at that moment (another run may have written), while
   * no other run can write; only when it agrees is the head stored.
   */
  offer(head: TreeHead, isNewer: (stored: TreeHead | undefined) => Promise<boolean>): Promise<void>;
  /** Keeps two heads that contradict each other, as proof; gives the two files. */
  keepFork(seen: TreeHead, served: TreeHead): Promise<readonly [string, string]>;
}

/**
 * Takes a signed note that should hold a tree head (https://go.dev/ref/mod#checksum-database); gives the head. Throws
 * `DATABASE_BAD_SIGNATURE` or `DATABASE_ANSWER_INVALID`; `where` is the note's URL or file.
 */
export function openTreeHead(note: string, key: NoteKey, where: string): TreeHead {
  const parsed = parseSignedNote(note);
  const reading = parsed === undefined ? 'not-signed' : readNoteSignature(parsed, key);
  if (parsed === undefined || reading !== 'signed') {
    const what = reading === 'bad-signature' ? 'carries a wrong signature' : 'is not signed';
    throw new SourcesError(
      'DATABASE_BAD_SIGNATURE',
      `the checksum database's tree head ${what} by the key ${key.name}+${key.hash}`,
      { where, hint: 'Whatever answers here is not that database: check the proxy and the database setting.' },
    );
  }
  const [title, size = '', root = ''] = parsed.text.split('\n');
  const bytes = Buffer.from(root, 'base64');
  if (title !== 'go.sum database tree' || !/^(?:0|[1-9][0-9]{0,15})$/.test(size) || bytes.length !== 32) {
    throw new SourcesError('DATABASE_ANSWER_INVALID', "the checksum database's signed note is no tree head", { where });
  }
  return { size: Number(size), root: bytes, note };
}

/** Gives the newest head seen of the database with this key, kept below `stateFolder`. */
export function openSeenHead(stateFolder: string, key: NoteKey): SeenHead {
  const folder = join(stateFolder, 'checksum-database', `${encodeURIComponent(key.name)}+${key.hash}`);
  const path = join(folder, 'latest');

  async function read(): Promise<TreeHead | undefined> {
    const note = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return note === undefined ? undefined : openTreeHead(note, key, path);
  }

  return {
    read,
    async offer(head, isNewer) {
      await mkdir(folder, { recursive: true });
      await locked(`${path}.lock`, async () => {
        if (await isNewer(await read())) await replaceFile(path, head.note);
      });
    },
    async keepFork(seen, served) {
      const files = [seen, served].map((head, index) => {
        const name = `fork-${index === 0 ? 'seen' : 'served'}-${head.size}-${hexOf(digestOf(head.note)).slice(0, 12)}`;
        return join(folder, name);
      }) as [string, string];
      await replaceFile(files[0], seen.note);
      await replaceFile(files[1], served.note);
      return files;
    },
  };
}

const LOCK_WAIT = 25;
const LOCK_ATTEMPTS = 1200;

/** Runs `work` while holding a lock file that names this process; takes over a lock whose process is gone. */
async function locked(path: string, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(path, 'utf8').catch(() => ''));
      const isLeft = owner > 0 && owner !== process.pid && !isAlive(owner);
      if (isLeft || attempt >= LOCK_ATTEMPTS) await rm(path, { force: true });
      else await delay(LOCK_WAIT);
    }
  }
  try {
    await work();
  } finally {
    await rm(path, { force: true });
  }
}
