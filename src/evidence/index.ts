// SPDX-License-Identifier: Apache-2.0
export { EvidenceError } from './error.ts';
export type { EvidenceErrorCode } from './error.ts';
export { parseStatement, PREDICATES, STATEMENT_MEDIA_TYPE, STATEMENT_TYPE, toStatement } from './statement.ts';
export type { ReadStatement, Statement, Subject } from './statement.ts';
export {
  ATTESTATION_MANIFEST,
  attestationManifestsOf,
  buildAttestationManifest,
  PREDICATE_ANNOTATION,
  REFERENCE_DIGEST,
  REFERENCE_TYPE,
} from './attach/attestation-manifest.ts';
export {
  COSIGN_ANNOTATIONS,
  cosignTag,
  DSSE_TYPE,
  SIMPLE_SIGNING_TYPE,
  simpleSigningPayload,
} from './attach/cosign-tags.ts';
export type { PayloadSignature } from './attach/cosign-tags.ts';
export { BUNDLE_TYPE, EMPTY_CONFIG } from './attach/parcel.ts';
export type { Parcel } from './attach/parcel.ts';
export { publishEvidence } from './attach/publish.ts';
export type {
  AttachedClaim,
  Claim,
  EvidenceSigner,
  PublishedEvidence,
  PublishEvidenceRequest,
} from './attach/publish.ts';
export { readReferrers } from './attach/read-referrers.ts';
export type { AttachedBundle, ReadReferrersOptions, ReferrersReading } from './attach/read-referrers.ts';
export { buildReferrer } from './attach/referrer.ts';
export type { ReferrerRequest } from './attach/referrer.ts';
export type { CosignTags } from './attach/write-cosign-tags.ts';
export { layoutEvidence, referrersTag, registryEvidence } from './attach/store.ts';
export type { EvidenceStore } from './attach/store.ts';
export type { FoundClaim, RefusedClaim } from './inspect/claims.ts';
export { findPredicate, inspectImage, platformTargets } from './inspect/inspect-image.ts';
export type {
  ClaimSummary,
  ContentSummary,
  ImageInspection,
  InspectRequest,
  PlatformInspection,
  PredicateRequest,
} from './inspect/inspect-image.ts';
export { buildTypeOf, builderIdOf, claimedLevel, DOCUMENTATION_BASE } from './provenance/levels.ts';
export type { BuilderKind, BuildLevel, EngineKind } from './provenance/levels.ts';
export { toDirHash } from './provenance/materials.ts';
export { toProvenanceV02, toProvenanceV1 } from './provenance/provenance.ts';
export { isProvenanceType, readProvenance } from './provenance/read.ts';
export type { ProvenanceReading, ReadMaterial, ReadSource } from './provenance/read.ts';
export type {
  BuildRecord,
  RecordedMaterials,
  RecordedModule,
  RecordedPackage,
  RecordedSource,
  RecordedStep,
} from './provenance/record.ts';
export { buildSbom, SBOM_RULES } from './sbom/build.ts';
export { compareSbom } from './sbom/compare.ts';
export type { CompareOptions, SbomDifference } from './sbom/compare.ts';
export { toCycloneDx } from './sbom/cyclonedx.ts';
export { diffContents, diffImages } from './sbom/diff-images.ts';
export type { ContentSide, DiffOptions, DiffSide, PlatformDiff } from './sbom/diff-images.ts';
export { contentReading, diffSboms } from './sbom/diff.ts';
export type { SbomChange } from './sbom/diff.ts';
export { readImageContent } from './sbom/image-content.ts';
export type { ImageContent, ReadContentOptions } from './sbom/image-content.ts';
export { installedContent } from './sbom/installed-packages.ts';
export type { InstalledContent } from './sbom/installed-packages.ts';
export type { DpkgPackage } from './sbom/package-lists.ts';
export type { ContentFile, SpooledProgram } from './sbom/layer-content.ts';
export { findLicences, isLicenceFile, LICENCE_RULES } from './sbom/licences.ts';
export type { LicenceFile } from './sbom/licences.ts';
export { measureFile, measureTree } from './sbom/measure.ts';
export { readSbom, toReading } from './sbom/read.ts';
export type { ReadComponent, SbomReading } from './sbom/read.ts';
export { linkedPurl } from './sbom/purls.ts';
export { toSpdx } from './sbom/spdx.ts';
export type { LicenceFinding, Sbom, SbomFile, SbomInput, SbomLinked, SbomModule, SbomPackage } from './sbom/types.ts';
export { openAwsKms, parseAwsKeyReference } from './signing/aws-kms.ts';
export type { AwsKeyReference, AwsKmsOptions } from './signing/aws-kms.ts';
export type { AwsCredentials } from './signing/aws-request.ts';
export { keyHint } from './signing/bundle.ts';
export { findTokenSource } from './signing/identity-token.ts';
export type { Surroundings, TokenSource } from './signing/identity-token.ts';
export { formatPublicKey, generateKey, readPrivateKey, readPublicKey } from './signing/key-file.ts';
export type { KeyFiles, KeyKind, KeyRequest, ReadKeyOptions } from './signing/key-file.ts';
export { createKeySigner } from './signing/key-signer.ts';
export { createKeylessSigner, PUBLIC_SIGSTORE } from './signing/keyless-signer.ts';
export type { KeylessOptions } from './signing/keyless-signer.ts';
export { createKmsSigner } from './signing/kms-signer.ts';
export type { DigestAlgorithm, KeyService } from './signing/kms-signer.ts';
export { openLocalKey } from './signing/local-key.ts';
export type { LocalKey, LocalKeyOptions } from './signing/local-key.ts';
export type { SignedStatement, Signer } from './signing/signer.ts';
export type { WitnessOptions } from './signing/witnesses.ts';
export { toFlagPolicy } from './verify/flag-policy.ts';
export type { FlagPolicy } from './verify/flag-policy.ts';
export { parsePolicy, readPolicy } from './verify/policy.ts';
export type { AttestationDemand, Policy, Requirements, SlsaDemand, Transparency } from './verify/policy.ts';
export { policyJsonSchema } from './verify/policy-schema.ts';
export { fetchPublicRoot } from './verify/public-root.ts';
export type { PublicRootOptions } from './verify/public-root.ts';
export type { Check, CheckName, EvidenceItem, Verdict, VerificationReport } from './verify/report.ts';
export { loadTrust } from './verify/trust.ts';
export type { FetchRoot, Trust } from './verify/trust.ts';
export type { NamedEvidence } from './verify/named.ts';
export { verdictOf } from './verify/report.ts';
export type { PlatformTarget } from './verify/platforms.ts';
export { verifyImage } from './verify/verify-image.ts';
export { verifySignature } from './verify/verify-signature.ts';
export { verifyStatement } from './verify/verify-statement.ts';
export type { StatementVerdict, VerifyStatementOptions } from './verify/verify-statement.ts';
export type { VerifyImageRequest } from './verify/verify-image.ts';
export { resourceUriOf, toVsa, VERIFIER_ID } from './verify/vsa.ts';
