// SPDX-License-Identifier: Apache-2.0
export { attachVex } from './attach-vex.ts';
export type { AttachedVex, AttachVexRequest, VexTarget } from './attach-vex.ts';
export { completeLock } from './complete-lock.ts';
export type { CompletedLock, LockRequest, Refresh } from './complete-lock.ts';
export { FactoryError } from './error.ts';
export type { FactoryErrorCode } from './error.ts';
export type { BuildRequest, ChannelImage, PlatformImage } from './images.ts';
export { proveRevision } from './prove-revision.ts';
export type { ProvedRevision } from './prove-revision.ts';
export { planRelease } from './plan.ts';
export type { PlannedStep, ReleasePlan } from './plan.ts';
export type { Destination } from './publish.ts';
export { fetchAll, releaseRevision } from './release.ts';
export type { ReleasedImage, ReleaseOutcome, ReleaseRequest } from './release.ts';
export { select } from './selection.ts';
export type { Selection, SelectionRequest } from './selection.ts';
export { once } from './workshop.ts';
export type { Workshop } from './workshop.ts';
