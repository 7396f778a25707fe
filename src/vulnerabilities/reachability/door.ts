// SPDX-License-Identifier: Apache-2.0
import type { CompileInputs } from '#build';
import type { StepResult } from '#cache';
import type { AnalysisRequest, AnalysisTools } from './analyse.ts';
import type { BuildClaim, ImageClaim } from './build-claim.ts';
import type { Analysis } from './types.ts';

/** See `analyse` in analyse.ts; what it needs is loaded when it is called, since most scans analyse nothing. */
export async function analyse(
  request: AnalysisRequest,
  prepare: () => Promise<CompileInputs>,
  tools: AnalysisTools,
): Promise<StepResult<Analysis>> {
  return (await import('./analyse.ts')).analyse(request, prepare, tools);
}

/** See `readBuildClaim` in build-claim.ts; loaded when it is called. */
export async function readBuildClaim(predicate: unknown, where: string): Promise<BuildClaim> {
  return (await import('./build-claim.ts')).readBuildClaim(predicate, where);
}

/** See `readImageClaim` in build-claim.ts; loaded when it is called. */
export async function readImageClaim(predicate: unknown, where: string): Promise<ImageClaim> {
  return (await import('./build-claim.ts')).readImageClaim(predicate, where);
}
