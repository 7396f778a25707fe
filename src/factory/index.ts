// SPDX-License-Identifier: Apache-2.0
export { completeLock } from './complete-lock.ts';
export type { CompletedLock, LockRequest, Refresh } from './complete-lock.ts';
export { FactoryError } from './error.ts';
export type { FactoryErrorCode } from './error.ts';
export type { BuildRequest, ChannelImage, PlatformImage } from './images.ts';
export { planRevision } from './patch.ts';
export type { PatchRequest } from './patch.ts';
export { planRelease } from './plan.ts';
export type { PlannedStep, ReleasePlan } from './plan.ts';
export type { Destination } from './publish.ts';
export { fetchAll, releaseRevision } from './release.ts';
export type { ReleasedImage, ReleaseOutcome, ReleaseRequest } from './release.ts';
export { select } from './selection.ts';
export type { Selection, SelectionRequest } from './selection.ts';
export { once } from './workshop.ts';
export type { Workshop } from './workshop.ts';
