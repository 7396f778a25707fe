// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { whileLocked } from '#cache';
import { OakumError } from '#core';

/** How long to look at a lock: long enough to take over that of a process that is gone. */
const PATIENCE_MILLISECONDS = 250;

/** What must not run twice at once: the file that says who does it, and the error for whoever comes second. */
export interface Exclusive {
  readonly file: string;
  readonly code: string;
  /** A sentence without its end: `another ... runs`. */
  readonly message: string;
  readonly hint: string;
}

/**
 * Runs something as the only process that does. One that was killed is taken over; where one lives, throws an error of the
 * family `machine` that names it and since when it runs.
 */
export function whileAlone<T>(exclusive: Exclusive, run: () => Promise<T>): Promise<T> {
  return whileLocked(exclusive.file, () => busy(exclusive), run, PATIENCE_MILLISECONDS);
}

function busy({ file, code, message, hint }: Exclusive): OakumError {
  return new OakumError('machine', code, `${message}: ${ownerOf(file)}`, { where: file, hint });
}

function ownerOf(file: string): string {
  try {
    return `process ${readFileSync(file, 'utf8')}, since ${statSync(file).mtime.toISOString()}`;
  } catch {
    return 'a process that has ended just now';
  }
}
