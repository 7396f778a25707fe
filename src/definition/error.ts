// SPDX-License-Identifier: Apache-2.0
import { OakumError } from '#core';
import type { Fault } from '#formats';

/** Codes of {@link DefinitionError}. */
export type DefinitionErrorCode =
  | 'DEFINITION_UNREADABLE'
  | 'DEFINITION_INVALID'
  | 'LOCK_CHANGED'
  | 'LOCK_UNREADABLE'
  | 'LOCK_INVALID'
  | 'LOCK_INCOMPLETE';

/** A definition or lock that can't be used; `faults` holds everything wrong with it, in the order of the file. */
export class DefinitionError extends OakumError<DefinitionErrorCode> {
  readonly faults: readonly Fault[];

  constructor(code: DefinitionErrorCode, faults: readonly Fault[], hint?: string) {
    const [first] = faults;
    const message =
      faults.length === 1 && first !== undefined ? first.message : `${faults.length} faults:\n${listOf(faults)}`;
    super('definition', code, message, {
      ...(faults.length === 1 && first !== undefined ? { where: first.where } : {}),
      ...(hint === undefined ? {} : { hint }),
    });
    this.faults = faults;
  }
}

function listOf(faults: readonly Fault[]): string {
  return faults.map((fault) => `  ${fault.where}: ${fault.message}`).join('\n');
}
