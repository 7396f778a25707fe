// SPDX-License-Identifier: Apache-2.0
export { attachVex } from './attach-vex.ts';
export type { AttachedVex, AttachVexRequest, VexTarget } from './attach-vex.ts';
export { HANDSHAKES_FILE, testHandshakes } from './handshakes-test.ts';
export type { HandshakesOutcome, HandshakesRecord, HandshakesTestRequest } from './handshakes-test.ts';
export { attachCompatibility, testCompatibility } from './compat-test.ts';
export type { CompatImage, CompatOutcome, CompatSubject, CompatTarget, CompatTestRequest } from './compat-test.ts';
export { compareRevisions } from './changelog.ts';
export type { ChangelogOptions, ChangelogPair, ImageChanges, ListedFinding } from './changelog.ts';
export { completeLock } from './complete-lock.ts';
export type { CompletedLock, LockRequest, Refresh } from './complete-lock.ts';
export { examineFile, examineImage, warningsOf } from './examine-image.ts';
export type { ExaminedProgram, ExamineTools, ImageFips, PlatformFips } from './examine-image.ts';
export { FactoryError } from './error.ts';
export type { FactoryErrorCode } from './error.ts';
export type { BuildRequest, ChannelImage, PlatformImage } from './images.ts';
export { planRevision } from './patch.ts';
export { proveRevision, wasTried } from './prove-revision.ts';
export type { ProvedRevision } from './prove-revision.ts';
export type { PatchRequest } from './patch.ts';
export { openManifests } from './manifests.ts';
export type {
  InstalledImage,
  InstallManifest,
  InstallRequest,
  Manifests,
  ManifestsRequest,
} from './manifests.ts';
export { publishManifests } from './publish-manifests.ts';
export type { PublishedManifests, PublishManifestsRequest } from './publish-manifests.ts';
export type { ReleaseKnowledge } from './describe-release.ts';
export { planRelease } from './plan.ts';
export type { PlannedStep, ReleasePlan } from './plan.ts';
export type { Destination } from './publish.ts';
export { replayRelease } from './replay.ts';
export type { FeedsOfDay, ReplayReleaseRequest } from './replay.ts';
export { readInputs, reproduceImage } from './reproduce.ts';
export type { Difference, ReproduceRequest, Reproduction } from './reproduce.ts';
export { fetchAll, releaseRevision } from './release.ts';
export type { ReleasedImage, ReleaseOutcome, ReleaseRequest } from './release.ts';
export { rollBack } from './rollback.ts';
export type { RollbackImage, RollbackRequest, RolledBack } from './rollback.ts';
export { select } from './selection.ts';
export type { Selection, SelectionRequest } from './selection.ts';
export { analyseImages } from './reachability.ts';
export type { ReachabilityRequest, ReachabilityTarget } from './reachability.ts';
export { lockApiServer, newestPatch, openApiServer, servedMinors } from './api-server.ts';
export type { ApiServerLock, ApiServerLockRequest } from './api-server.ts';
export { lockTool, openTool } from './tool.ts';
export type { Program, Tool, ToolLock } from './tool.ts';
export { observeScan } from './observe-scan.ts';
export type { ObservedScan, ObserveScanRequest } from './observe-scan.ts';
export { readSignedArtifact } from './signed-artifact.ts';
export { once } from './workshop.ts';
export type { Workshop } from './workshop.ts';
export { newerReleases } from './newer-releases.ts';
export { PATCH_BUSY, repeatRounds, watchRound } from './watch.ts';
export type { RoundOutcome, RoundRequest, WatchFault, WatchParts, WatchPolicy } from './watch.ts';
export { fixedBy, toWatchedFindings } from './watch-notices.ts';
export type { PublishedFix, WatchedFinding, WatchedScan } from './watch-notices.ts';
