// SPDX-License-Identifier: Apache-2.0
export { openEngine } from './engine.ts';
export type { Engine, EngineOptions } from './engine.ts';
export { EngineError } from './error.ts';
export type { EngineErrorCode } from './error.ts';
export { inspectMachine } from './inspect.ts';
export type { InspectOptions, SandboxFact, SandboxReading } from './inspect.ts';
export { openOutput } from './outputs.ts';
export type { Output } from './outputs.ts';
export type { SandboxSetup } from './sandboxed.ts';
export type { LimitName, Limits, Mount, SandboxStep, StepOutcome } from './step.ts';
