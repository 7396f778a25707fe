// SPDX-License-Identifier: Apache-2.0
export { describeKey, parseChecksumDatabase } from './checksum-database.ts';
export type { ChecksumDatabase } from './checksum-database.ts';
export type { DatabaseHead } from './database-client.ts';
export type { Dependency } from './dependencies.ts';
export { replaceInSource } from './derive.ts';
export type { DerivedSource, SourceChange } from './derive.ts';
export { SourcesError } from './error.ts';
export type { SourcesErrorCode } from './error.ts';
export type { ModuleInfo, ModuleOrigin } from './module-info.ts';
export type { HashedModule, ModuleOptions } from './module-store.ts';
export type { NestedModule } from './nested.ts';
export type { Exemption, Proof, ProvedModule } from './prove.ts';
export { parseGoProxies } from './proxies.ts';
export type { GoProxy } from './proxies.ts';
export { fluxPath } from './release.ts';
export type { FluxRelease, ReleaseComponent } from './release.ts';
export { openSources, toolchainModule } from './sources.ts';
export type { ModuleCacheProgress, Sources, SourcesOptions } from './sources.ts';
