// SPDX-License-Identifier: Apache-2.0

/** Why a step did not pass: not an error of Oakum's, but what the scenario is there to find. */
export class StepFailure extends Error {}
