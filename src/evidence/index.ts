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
export { BUNDLE_TYPE } from './attach/parcel.ts';
export type { Parcel } from './attach/parcel.ts';
export { publishEvidence } from './attach/publish.ts';
export type { Claim, CosignTags, EvidenceSigner, PublishedEvidence, PublishEvidenceRequest } from './attach/publish.ts';
export { readReferrers } from './attach/read-referrers.ts';
export type { AttachedBundle, ReadReferrersOptions, ReferrersReading } from './attach/read-referrers.ts';
export { buildReferrer } from './attach/referrer.ts';
export type { ReferrerRequest } from './attach/referrer.ts';
export { layoutEvidence, referrersTag, registryEvidence } from './attach/store.ts';
export type { EvidenceStore } from './attach/store.ts';
export { buildTypeOf, builderIdOf, claimedLevel, DOCUMENTATION_BASE } from './provenance/levels.ts';
export type { BuilderKind, BuildLevel, EngineKind } from './provenance/levels.ts';
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
