// SPDX-License-Identifier: Apache-2.0
import type { Fault } from '#formats';
import { VulnerabilityError } from '../error.ts';

/** Decision files that can't be used; `faults` holds everything wrong with them. */
export class DecisionError extends VulnerabilityError {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const [first] = faults;
    const single = faults.length === 1 && first !== undefined;
    const list = faults.map(({ where, message }) => `\n  ${where}: ${message}`).join('');
    super('VEX_DECISIONS_INVALID', single ? first.message : `${faults.length} faults:${list}`, {
      ...(single ? { where: first.where } : {}),
      hint: 'docs/vulnerabilities.md describes the format; `oakum vex add` writes it.',
    });
    this.faults = faults;
  }
}
