// SPDX-License-Identifier: Apache-2.0
export { compile, compileCommand, compileKey, compileOutputs, goEnvironment, parseModuleList } from './compile.ts';
export type {
  CompiledBinary,
  CompileInputs,
  CompileLimits,
  CompileRequest,
  CompileStage,
  CompileTools,
  ModuleIdentity,
} from './compile.ts';
export { FIPS_MODULE } from './crypto.ts';
export type { CryptoMode, FipsFacts, FipsModule } from './crypto.ts';
export type { OutsideCryptography } from './fips-outside.ts';
export { reportFips } from './fips-report.ts';
export type { FipsReport, FipsTools, SelfTest } from './fips-report.ts';
export { compareTests } from './compare-tests.ts';
export type { TestComparison, TestDifference } from './compare-tests.ts';
export { BuildError } from './error.ts';
export type { BuildErrorCode } from './error.ts';
export { checkBinary } from './inspect.ts';
export type { BinaryExpectation, CompiledModule } from './inspect.ts';
export type { PackageResult, TestResult } from './test-output.ts';
export { testKey, testPackages } from './test-packages.ts';
export type { TestRequest, TestRun } from './test-packages.ts';
