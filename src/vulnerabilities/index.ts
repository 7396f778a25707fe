// SPDX-License-Identifier: Apache-2.0
export { VulnerabilityError } from './error.ts';
export type { VulnerabilityErrorCode } from './error.ts';
export { FEED_NAMES } from './feeds/feed.ts';
export type {
  EpssEntry,
  FeedName,
  FeedReading,
  Feeds,
  FeedState,
  KevEntry,
  LifeCycle,
  SsvcEntry,
} from './feeds/feed.ts';
export { openFeeds } from './feeds/feeds.ts';
export type { OpenFeedsOptions } from './feeds/feeds.ts';
export { DEFAULT_MAX_AGE_DAYS } from './feeds/reading.ts';
export { updateFeeds } from './feeds/update-feeds.ts';
export type { FeedSources, FeedUpdate, UpdateFeedsOptions } from './feeds/update.ts';
export { toAdvisory } from './advisory.ts';
export type { Advisory, Affected, AffectedRange, GoImport, RangeEvent } from './advisory.ts';
export { groupByAlias, namesOf, sortedNames } from './match/aliases.ts';
export { evaluate } from './match/evaluate.ts';
export type { Decision, VersionReading } from './match/evaluate.ts';
export type { Dissent, Finding, Match, SetAside } from './match/finding.ts';
export { indexAdvisories, matchPackages } from './match/match.ts';
export type { AdvisoryIndex, Matched, MatchOptions } from './match/match.ts';
export { checkOrder } from './match/order-file.ts';
export type { OrderReading } from './match/order-file.ts';
export { goReleaseVersion, orderOf, VERSION_SCHEMES, versionOrder } from './match/version-order.ts';
export type { VersionOrder, VersionScheme } from './match/version-order.ts';
export { toSarif } from './render/sarif.ts';
export { toCsv, toMarkdown } from './render/tables.ts';
export { scan, verdictOf } from './scan.ts';
export type { Scan, ScanOptions, ScanReport, ScanVerdict } from './scan.ts';
export { DEFAULT_SEVERITY_POLICY, RATINGS, rateSeverity, readSeverities } from './severity.ts';
export type { CvssVersion } from './cvss.ts';
export type { Rating, Severity, SeverityPolicy, SeverityReading } from './severity.ts';
export type { Occurrence, ScanGap, ScanPackage, ScanSubject } from './subject.ts';
export { fileSubject, sbomSubject } from './subjects/file.ts';
export { imageSubjects } from './subjects/image.ts';
export type { ImageSubjectRequest } from './subjects/image.ts';
