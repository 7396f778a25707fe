// SPDX-License-Identifier: Apache-2.0
export { CompatibilityError } from './error.ts';
export type { CompatibilityErrorCode } from './error.ts';
export { compareApis, deprecatedOf, kindsOf, mergeKinds, storageOf } from './lifecycle/api-changes.ts';
export type { ApiChanges, ApiRef } from './lifecycle/api-changes.ts';
export { recordedKinds } from './lifecycle/api-record.ts';
export { cycleOf } from './lifecycle/calendar.ts';
export type { Calendar, Cycle, End, FeedCycle, Override } from './lifecycle/calendar.ts';
export type { CompatibilityCell } from './lifecycle/cell.ts';
export { readCrds } from './lifecycle/crds.ts';
export type { ApiKind, ApiVersion } from './lifecycle/crds.ts';
export type { Day } from './lifecycle/day.ts';
export type { Ending } from './lifecycle/endings.ts';
export { describeEvidence } from './lifecycle/evidence.ts';
export type { EvidenceReading } from './lifecycle/evidence.ts';
export type { Fit, ProviderFit } from './lifecycle/fit.ts';
export { answer, readLifecycle } from './lifecycle/lifecycle.ts';
export type {
  CompatibilityQuestion,
  Lifecycle,
  LifecycleRequest,
  LifecycleSettings,
  ReadCycles,
} from './lifecycle/lifecycle.ts';
export { compareMinors } from './lifecycle/minor.ts';
export { PRODUCT_FACTS, PROVIDERS } from './lifecycle/products.ts';
export type { Product, Provider } from './lifecycle/products.ts';
export { readPatch } from './lifecycle/newer-patch.ts';
export { latestMinors } from './lifecycle/windows.ts';
export type { LineSettings, LineWindow } from './lifecycle/windows.ts';
export type { HandshakeResult, Handshakes } from './handshakes/result.ts';
export { HANDSHAKING, runHandshakes } from './handshakes/run-handshakes.ts';
export type { HandshakesRequest, HandshakesRun } from './handshakes/run-handshakes.ts';
export { readEtcdVersion, startApiServer } from './harness/api-server.ts';
export type { ApiServer, ApiServerRequest } from './harness/api-server.ts';
export { CELL_FILE, cellFolder, readCells, staleReasons } from './harness/cell-record.ts';
export type { CellContext, CellRecord } from './harness/cell-record.ts';
export type { RunnableRevision, UnpackedImage } from './harness/controllers.ts';
export type { Account } from './harness/credentials.ts';
export { runCell } from './harness/run-cell.ts';
export type { CellRequest, CellRun } from './harness/run-cell.ts';
export { unpackImages } from './harness/unpack.ts';
export type { PlacedImage } from './harness/unpack.ts';
export type {
  RunScenario,
  ScenarioCluster,
  ScenarioControllers,
  ScenarioRequest,
  SignedArtifact,
  StepResult,
} from './scenario/types.ts';
export { runScenario } from './scenario/run-scenario.ts';
