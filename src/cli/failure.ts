// SPDX-License-Identifier: Apache-2.0
import { messageOf, OakumError } from '#core';
import { DEFECT_EXIT_CODE, EXIT_CODES } from './exit-codes.ts';
import { plainText } from './format.ts';

/** A failure as it is shown: what, where, what to do next, and the exit code. */
export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;
}

/** Takes anything thrown; gives how to show it. A defect shows its kind and asks for a report, never a stack trace. */
export function toFailure(error: unknown): Failure {
  if (error instanceof OakumError) {
    const { code, message, where, hint } = error;
    return { exitCode: EXIT_CODES[error.family].code, code, message, where, hint };
  }
  const errno = (error as NodeJS.ErrnoException | undefined)?.code;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return {
      exitCode: EXIT_CODES.machine.code,
      code: 'DISK_FULL',
      message: 'the disk is full',
      where: (error as NodeJS.ErrnoException).path,
      hint: 'Free space (`oakum cache prune`), or set OAKUM_CACHE or --out to a larger disk.',
    };
  }
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') {
    return {
      exitCode: EXIT_CODES.machine.code,
      code: 'FILE_REFUSED',
      message: 'the machine does not let this user read or write here',
      where: (error as NodeJS.ErrnoException).path,
      hint: 'Give the user that runs Oakum the right to it, or choose another folder (--out, OAKUM_CACHE, OAKUM_DATA).',
    };
  }
  return {
    exitCode: DEFECT_EXIT_CODE,
    code: 'DEFECT',
    message: `this should not happen: ${messageOf(error)}`,
    where: undefined,
    hint: 'This is a defect of Oakum. Run again with OAKUM_TRACE=1 and report what it prints.',
  };
}

/** Gives a failure as lines for people. */
export function formatFailure(failure: Failure): string {
  const rows = [`oakum: ${failure.message}`];
  if (failure.where !== undefined) rows.push(`  at: ${failure.where}`);
  if (failure.hint !== undefined) rows.push(`  next: ${failure.hint}`);
  return plainText(`${rows.join('\n')}\n`);
}
