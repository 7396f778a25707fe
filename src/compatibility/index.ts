// SPDX-License-Identifier: Apache-2.0
export { CompatibilityError } from './error.ts';
export type { CompatibilityErrorCode } from './error.ts';
export type { CompatibilityCell } from './lifecycle/cell.ts';
export { startApiServer } from './harness/api-server.ts';
export type { ApiServer, ApiServerRequest } from './harness/api-server.ts';
export type {
  RunScenario,
  ScenarioCluster,
  ScenarioControllers,
  ScenarioRequest,
  StepResult,
} from './scenario/types.ts';
