// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Measure } from '#core';
import type { HeldFile } from './record.ts';

const CHUNK = 1 << 20;

/** A file being written, measured as it goes. */
export interface FileWriter {
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<HeldFile>;
  /** Lets the file go as it is; nothing where it is closed. */
  abandon(): Promise<void>;
}

/** Creates a file; one that is there already is an error. */
async function openFile(path: string): Promise<FileWriter> {
  const file: FileHandle = await open(path, 'wx', 0o644);
  const measure = new Measure();
  let waiting: Uint8Array[] = [];
  let waitingSize = 0;
  let isOpen = true;
  const release = async () => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  const flush = async () => {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    waitingSize = 0;
    measure.update(bytes);
    await file.writeFile(bytes);
  };
  return {
    async append(bytes) {
      waiting.push(bytes);
      waitingSize += bytes.length;
      if (waitingSize >= CHUNK) await flush();
    },
    async close() {
      await flush();
      await file.sync();
      await release();
      return { digest: measure.digest(), size: measure.size };
    },
    abandon: release,
  };
}

/** The files of one folder being written. */
export interface FolderWriter {
  /** What has been closed so far. */
  readonly files: Readonly<Record<string, HeldFile>>;
  create(name: string): Promise<FileWriter>;
  write(name: string, content: Uint8Array): Promise<void>;
  /** Notes a file that its writer has closed. */
  note(name: string, file: HeldFile): void;
  /** Closes whatever is open. */
  abandon(): Promise<void>;
}

/** Opens a folder that is there for writing. */
export function openFolder(folder: string): FolderWriter {
  const files: Record<string, HeldFile> = {};
  const opened: FileWriter[] = [];
  const create = async (name: string) => {
    const writer = await openFile(join(folder, name));
    opened.push(writer);
    return writer;
  };
  return {
    files,
    create,
    async write(name, content) {
      const writer = await create(name);
      await writer.append(content);
      files[name] = await writer.close();
    },
    note: (name, file) => void (files[name] = file),
    async abandon() {
      for (const writer of opened) await writer.abandon();
    },
  };
}
