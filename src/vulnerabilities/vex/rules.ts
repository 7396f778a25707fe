// SPDX-License-Identifier: Apache-2.0
import type { VexStatus } from './openvex.ts';

/** The parts of a statement or decision that depend on its status. */
export interface StatusParts {
  readonly status: VexStatus;
  readonly justification?: string | undefined;
  readonly impact?: string | undefined;
  readonly action?: string | undefined;
}

/** A part that is wrong, and why, as a sentence. */
export interface StatusFault {
  readonly part: 'status' | 'justification' | 'impact' | 'action';
  readonly message: string;
}

/**
 * What each status requires and forbids (OpenVEX 0.2.0, "The VEX Statement": `not_affected` MUST have a justification or an
 * impact statement, `affected` MUST have an action statement), and, as go-vex has it, nothing that belongs to another status.
 */
export function statusFaults({ status, justification, impact, action }: StatusParts): readonly StatusFault[] {
  const faults: StatusFault[] = [];
  const forbid = (part: StatusFault['part'], value: string | undefined) => {
    if (given(value)) faults.push({ part, message: `status ${status} has no ${NAMES[part]}` });
  };
  if (status === 'not_affected') {
    if (!given(justification) && !given(impact))
      faults.push({ part: 'status', message: 'status not_affected needs a justification or an impact statement' });
  } else {
    forbid('justification', justification);
    forbid('impact', impact);
  }
  if (status !== 'affected') forbid('action', action);
  else if (!given(action))
    faults.push({ part: 'status', message: 'status affected needs an action statement: what users are to do' });
  return faults;
}

const NAMES = {
  status: 'status',
  justification: 'justification',
  impact: 'impact statement',
  action: 'action statement',
} as const;

function given(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '';
}
