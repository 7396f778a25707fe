// SPDX-License-Identifier: Apache-2.0
export { createCertificate } from './certificate.ts';
export type { TestCertificate } from './certificate.ts';
export { startRegistry } from './registry.ts';
export type { RegistryFault, TestRegistry, TestRegistryOptions } from './registry.ts';
export { createTestClock } from './clock.ts';
export type { TestClock } from './clock.ts';
export { buildDeb } from './debian-package.ts';
export type { BuiltDeb, DebEntry, DebMember, DebSpec } from './debian-package.ts';
export { startDebianRepository } from './debian-repository.ts';
export type { DebianFault, DebianRepository, SuiteSpec } from './debian-repository.ts';
export { createChecksumLog } from './checksum-log.ts';
export type { ChecksumLog } from './checksum-log.ts';
export { startGoProxy } from './go-proxy.ts';
export type { GoModuleSpec, GoProxyFault, GoProxyServer, PublishedModule } from './go-proxy.ts';
export { buildZip } from './zip.ts';
export type { ZipSpec } from './zip.ts';
export { startCertificateAuthority } from './certificate-authority.ts';
export type {
  CertificateAuthority,
  CertificateAuthorityOptions,
  CertificateIdentity,
} from './certificate-authority.ts';
export { startKeyManagement } from './kms.ts';
export type { KeyManagement, KeyManagementOptions } from './kms.ts';
export { startLoopback } from './loopback.ts';
export type { Loopback, LoopbackAnswer, LoopbackRequest } from './loopback.ts';
export { GITHUB_CLAIMS, startTokenIssuer } from './oidc.ts';
export type { TokenClaims, TokenIssuer } from './oidc.ts';
export { startTimestampAuthority } from './timestamp-authority.ts';
export type { TimestampAuthority } from './timestamp-authority.ts';
export { startTransparencyLog } from './transparency-log.ts';
export type { LogEntry, TransparencyLog } from './transparency-log.ts';
export { startSigningService, toTrustedRoot } from './trusted-root.ts';
export type { SigningService } from './trusted-root.ts';
export { createTestSigner } from './evidence-signer.ts';
export type { TestSigner } from './evidence-signer.ts';
export { startFeedServer } from './feed-server.ts';
export type { FeedFault, FeedRequest, FeedServer } from './feed-server.ts';
export { startPostgres } from './postgres.ts';
export type { PostgresServer } from './postgres.ts';
export { openFinding, releaseDocument } from './release-documents.ts';
export { buildRpmHeader } from './rpm-header.ts';
export type { RpmTagValue } from './rpm-header.ts';
export { buildForeignImage, foreignIndex } from './foreign-image.ts';
export type { ForeignEntry, ForeignImage, ForeignImageSpec } from './foreign-image.ts';
export { buildApk, signatureOf } from './apk-package.ts';
export type { ApkFile, ApkSigner, ApkSpec, BuiltApk } from './apk-package.ts';
export { makeApkSigner, startApkMirror } from './apk-mirror.ts';
export type { ApkMirror, ApkRepositorySpec } from './apk-mirror.ts';
