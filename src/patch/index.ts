// SPDX-License-Identifier: Apache-2.0
export { planBase } from './base-plan.ts';
export type { BasePlan, BaseTarget } from './base-plan.ts';
export { PatchError } from './error.ts';
export type { PatchErrorCode } from './error.ts';
export type { Floor, Staying } from './floors.ts';
export { composeOverlay, digestOfOverlay } from './overlay.ts';
export type { PatchFile } from './overlay.ts';
export { readPatchFiles } from './patch-files.ts';
export { judgePlan, planPatch, toLockedRevision } from './plan.ts';
export type { PatchPlan, PlanRequest } from './plan.ts';
export { replay } from './replay.ts';
export type { PastFinding, Replay, ReplayedFinding, ReplayPace, ReplayRequest } from './replay.ts';
export { keepWhatWorks } from './search.ts';
export type { SearchResult } from './search.ts';
export type { ChangeCause } from './solve.ts';
export type { ToolchainPlan } from './toolchain-plan.ts';
export type { ComponentPlan, PatchPolicy, PatchTarget, PatchTools, PlannedChange, UpstreamPlan } from './types.ts';
