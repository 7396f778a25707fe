// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, type Report, replaceFile } from '#core';
import type { ScanRecord } from './record.ts';

/** Gives the folder in which scans leave what they saw, until a command that opens the store takes it in. */
export function inboxFolder(dataFolder: string): string {
  return join(dataFolder, 'store', 'inbox');
}

/**
 * Leaves a scan for the store: one file, whole or not at all. Opening the database takes longer than most scans, and a scan needs
 * nothing from it.
 */
export async function leaveScan(dataFolder: string, record: ScanRecord): Promise<void> {
  const name = `${record.scannedAt.replaceAll(':', '')}-${randomUUID()}.json`;
  await replaceFile(join(inboxFolder(dataFolder), name), JSON.stringify(record), 0o600);
}

/** Gives the files that wait, oldest first. */
export async function waitingScans(dataFolder: string): Promise<readonly string[]> {
  const folder = inboxFolder(dataFolder);
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Hands each waiting scan over and removes its file once that is done. What is no record is moved aside and told, so that one
 * damaged file does not keep the store shut.
 */
export async function emptyInbox(
  dataFolder: string,
  report: Report,
  take: (record: ScanRecord) => Promise<void>,
): Promise<number> {
  const files = await waitingScans(dataFolder);
  let taken = 0;
  for (const file of files) {
    const record = await readRecord(file, dataFolder, report);
    if (record === undefined) continue;
    await take(record);
    await rm(file, { force: true });
    taken += 1;
  }
  return taken;
}

async function readRecord(file: string, dataFolder: string, report: Report): Promise<ScanRecord | undefined> {
  try {
    return checkRecord(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // another process has taken it
    const aside = join(dataFolder, 'store', 'damaged');
    await mkdir(aside, { recursive: true });
    const kept = join(aside, file.split('/').at(-1) ?? 'scan.json');
    await rename(file, kept);
    report({
      kind: 'warning',
      message: `a scan could not be taken into the store: ${messageOf(error)}; it is kept as ${kept}`,
    });
    return undefined;
  }
}

/** The file is ours; checked is what would otherwise fail in the middle of a transaction. */
function checkRecord(value: unknown): ScanRecord {
  const record = value as Partial<ScanRecord> | null;
  const isTime = typeof record?.scannedAt === 'string' && !Number.isNaN(Date.parse(record.scannedAt));
  if (record?.version !== 1 || !isTime || typeof record.feeds !== 'object' || !Array.isArray(record.releases))
    throw new Error('it is no record of a scan');
  const isSound = (subject: Partial<ScanRecord['subjects'][number]>) =>
    typeof subject.target === 'string' && Array.isArray(subject.packages) && Array.isArray(subject.gaps);
  if (!Array.isArray(record.subjects) || !record.subjects.every(isSound))
    throw new Error('a subject of it is no subject');
  return record as ScanRecord;
}
