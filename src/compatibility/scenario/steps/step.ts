// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '../stage.ts';

/** One thing that the scenario shows, on a stage of its own, so that steps run at once. */
export interface Step {
  /** A short sentence, the same in each run. */
  readonly name: string;
  /** The namespace it plays in. */
  readonly namespace: string;
  /** Gives what was seen. Throws StepFailure where it is not as it should be; what else is thrown fails the step too. */
  readonly play: (stage: Stage) => Promise<string>;
}
