// SPDX-License-Identifier: Apache-2.0
export { findRelease, publishedRevisions, readReleaseArtifact, releaseArtifact } from './artifact.ts';
export type { PublishedRelease } from './artifact.ts';
export { buildCatalog } from './catalog.ts';
export type { Catalog, CatalogSource } from './catalog.ts';
export { formatAtom, formatJsonFeed } from './catalog-feed.ts';
export { countText, formatCatalogMarkdown } from './catalog-markdown.ts';
export { digestOfRelease, formatReleaseDocument } from './document.ts';
export type {
  ChannelRecord,
  ClosedFinding,
  CompatibilityRecord,
  EvidenceRecord,
  FindingsRecord,
  ImageRecord,
  ManifestsRecord,
  OpenFinding,
  PlatformRecord,
  Publication,
  ReleaseDocument,
  SupportRecord,
} from './document.ts';
export { RELEASE_DOCUMENT_TYPE, releaseJsonSchema } from './document-schema.ts';
export { ReleaseError } from './error.ts';
export type { ReleaseErrorCode } from './error.ts';
export { layoutPlace, parsePlace, registryPlace, RELEASES } from './place.ts';
export type { ReleasePlace } from './place.ts';
export { parseReleaseDocument } from './read-document.ts';
export { formatNotes } from './notes/notes.ts';
export type { ApiNotes, NotesRequest } from './notes/request.ts';
export { formatPins, pinsPath } from './pins.ts';
export type { Pin } from './pins.ts';
export { formatRevision, imageName, imageTags, lineOf, orderRevisions, parseRevision } from './revision.ts';
export type { ImageTags, Revision } from './revision.ts';
export { fluxArtifact, sourceRevision } from './manifests/artifact.ts';
export type { Artifact, ArtifactFacts } from './manifests/artifact.ts';
export { patchFlags } from './manifests/flags.ts';
export { installFaults, installHeader, installPath } from './manifests/install.ts';
export { channelLimits, operatorVariant } from './manifests/limits.ts';
export type { ChannelLimits, OperatorVariant } from './manifests/limits.ts';
export { localiseKustomization } from './manifests/localise.ts';
export { readObjects } from './manifests/objects.ts';
export type { KubernetesObject } from './manifests/objects.ts';
export { operatorFiles } from './manifests/operator.ts';
export { INSTALL_DEFAULTS, LOG_LEVELS, optionFaults } from './manifests/options.ts';
export type { InstallOptions, LogLevel } from './manifests/options.ts';
export { installOverlay, limitingFlags } from './manifests/overlay.ts';
export type { Overlay, OverlayRequest } from './manifests/overlay.ts';
export { restrictedFaults } from './manifests/restricted.ts';
export type { PieceReport, ReleaseCheck, ReleaseReport } from './verify/report.ts';
export { verifyRelease } from './verify/verify-release.ts';
