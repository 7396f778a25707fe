// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readZipDirectory, readZipEntry, type ZipEntry, type ZipSource } from '#formats';
import { VulnerabilityError } from '../error.ts';
import { feedFault, type FoundFile } from './origin.ts';

/** What a zip may at most be: downloaded, in all its files, in one, and in their number. */
export interface ZipLimits {
  readonly maxBytes: number;
  readonly maxContent: number;
  readonly maxEntry: number;
  readonly maxEntries: number;
}

/** A zip on disk. */
export interface OpenZip {
  /** Its files (folders left out) in the order of their names. */
  readonly entries: readonly ZipEntry[];
  read(entry: ZipEntry): Buffer;
  close(): void;
}

/** Lays a found zip on disk where it is not there yet, and opens it within limits. Throws `FEED_INVALID` and `FEED_TOO_LARGE`. */
export async function openFoundZip(found: FoundFile, scratch: string, limits: ZipLimits): Promise<OpenZip> {
  const path = found.localPath ?? (await download(found, scratch, limits.maxBytes));
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > limits.maxBytes) throw tooLarge(`it is larger than ${limits.maxBytes} bytes`, found.where);
    const source: ZipSource = { size, read: (offset, length) => readExactly(file, offset, length, found.where) };
    const entries = listFiles(source, limits, found.where);
    return {
      entries,
      read: (entry) => within(() => readZipEntry(source, entry), `${found.where}!${entry.name}`),
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

async function download(found: FoundFile, scratch: string, maxBytes: number): Promise<string> {
  const path = join(scratch, 'download.zip');
  const file = await open(path, 'w', 0o600);
  try {
    for await (const chunk of found.body(maxBytes)) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
  return path;
}

/** The directory says how large each file gets, and no more than that is ever inflated: so a bomb is known before it goes off. */
function listFiles(source: ZipSource, limits: ZipLimits, where: string): readonly ZipEntry[] {
  const entries = within(() => readZipDirectory(source), where).filter((entry) => !entry.name.endsWith('/'));
  if (entries.length > limits.maxEntries) throw tooLarge(`it holds more than ${limits.maxEntries} files`, where);
  let content = 0;
  for (const entry of entries) {
    content += entry.size;
    if (entry.size > limits.maxEntry) throw tooLarge(`${entry.name} is larger than ${limits.maxEntry} bytes`, where);
  }
  if (content > limits.maxContent) throw tooLarge(`unpacked it is larger than ${limits.maxContent} bytes`, where);
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function within<T>(work: () => T, where: string): T {
  try {
    return work();
  } catch (error) {
    throw feedFault(error, where);
  }
}

function readExactly(file: number, offset: number, length: number, where: string): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const count = readSync(file, bytes, read, length - read, offset + read);
    if (count === 0) throw new VulnerabilityError('FEED_INVALID', 'the zip file is cut short', { where });
    read += count;
  }
  return bytes;
}

function tooLarge(message: string, where: string): VulnerabilityError {
  return new VulnerabilityError('FEED_TOO_LARGE', message, { where });
}
