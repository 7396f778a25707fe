// SPDX-License-Identifier: Apache-2.0
export { carryOut, refuseBlocked } from './carry-out.ts';
export type { CarryOutOptions, Outcome } from './carry-out.ts';
export type { KnownImage } from './catalog.ts';
export { checkCluster } from './check.ts';
export type {
  CheckReport,
  CheckRequest,
  ControllerReading,
  KubernetesSupport,
  OpenVulnerability,
  Problem,
} from './check-report.ts';
export { connect } from './connect.ts';
export type { ClusterChoice } from './connect.ts';
export type { Difference } from './difference.ts';
export { ConsumerError } from './error.ts';
export type { ConsumerErrorCode } from './error.ts';
export type { Installation } from './installation.ts';
export { compareWithRelease, readManifestSet } from './manifest-set.ts';
export type { ManifestSet, PinnedImage } from './manifest-set.ts';
export { migrateFor } from './migrate-for.ts';
export type { Migration } from './migration.ts';
export type { Blocker } from './ownership.ts';
export { planChange } from './plan.ts';
export type { Change, Plan, PlanOptions } from './plan.ts';
export { NEWEST_LINE } from './preflight/api-table.ts';
export { fixRepository } from './preflight/fix.ts';
export { preflight } from './preflight/preflight.ts';
export { formatRules, RULES } from './preflight/rules.ts';
export type { RuleId } from './preflight/rules.ts';
export { preflightSarif } from './preflight/sarif.ts';
export type { ChannelTraits, Level, PreflightFinding, PreflightReport } from './preflight/types.ts';
export { planRepository, writeRepository } from './repository.ts';
export type { FileEdit, RepositoryEdit, RepositoryWorld } from './repository.ts';
export type { Right } from './rights.ts';
export { planUninstall, uninstall } from './uninstall.ts';
export type { Uninstallation, UninstallOptions } from './uninstall.ts';
