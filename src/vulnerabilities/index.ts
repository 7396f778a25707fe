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
export { writeGoDatabase } from './feeds/go-database.ts';
export { DEFAULT_MAX_AGE_DAYS } from './feeds/reading.ts';
export { updateFeeds } from './feeds/update-feeds.ts';
export type { FeedSources, FeedUpdate, UpdateFeedsOptions } from './feeds/update.ts';
export { toAdvisory } from './advisory.ts';
export type { Advisory, Affected, AffectedRange, GoImport, RangeEvent } from './advisory.ts';
export { readVulnerability } from './explain/knowledge.ts';
export type { KnownAdvisory, VulnerabilityKnowledge } from './explain/knowledge.ts';
export { inUsualCase, nearIds } from './explain/near-ids.ts';
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
export type { AnalysisRequest, AnalysisTool, AnalysisTools } from './reachability/analyse.ts';
export { withReachability } from './reachability/apply.ts';
export type { KnownAnalysis, ReachabilityKnowledge } from './reachability/apply.ts';
export type { BuildClaim } from './reachability/build-claim.ts';
export { analyse, readBuildClaim, readImageClaim } from './reachability/door.ts';
export { readGoDatabasePart } from './reachability/database.ts';
export type { GoDatabasePart } from './reachability/database.ts';
export { describeFrame, describePath, reachabilityWord } from './reachability/describe.ts';
export { toReachabilityEvidence } from './reachability/evidence.ts';
export { findAnalysis, keepAnalysis } from './reachability/records.ts';
export type { Analysis, CallFrame, FindingReachability, Reach, ReachedAdvisory } from './reachability/types.ts';
export { toSarif } from './render/sarif.ts';
export { scanJsonSchema } from './render/scan-schema.ts';
export { markdownText } from '#formats';
export { toCsv, toMarkdown } from './render/tables.ts';
export type { StateOf } from './render/tables.ts';
export { feedGaps, readEcosystem, scan, verdictOf, withUrgency } from './scan.ts';
export type { EcosystemReading, Scan, ScanOptions, ScanReport, ScanVerdict } from './scan.ts';
export { DEFAULT_SEVERITY_POLICY, RATINGS, rateSeverity, readSeverities } from './severity.ts';
export type { CvssVersion } from './cvss.ts';
export type { Rating, Severity, SeverityPolicy, SeverityReading } from './severity.ts';
export { mergePackages } from './subject.ts';
export type { Occurrence, ScanGap, ScanPackage, ScanSubject } from './subject.ts';
export { distributionPackage, ecosystemOf } from './subjects/distribution-packages.ts';
export { modulePackage, standardLibrary } from './subjects/go-packages.ts';
export { fileSubject, sbomSubject } from './subjects/file.ts';
export { imageSubjects } from './subjects/image.ts';
export type { ImageSubjectRequest } from './subjects/image.ts';
export { appendEvents, readSlaLog, requireSound } from './sla/log.ts';
export type { AppendOptions, ReadLogOptions, SlaLogReading } from './sla/log.ts';
export type { ChainFault, ChainPoint } from './sla/chain.ts';
export { readClocks, readSla } from './sla/clock.ts';
export type { SlaReading, SlaState } from './sla/clock.ts';
export { clockKey } from './sla/events.ts';
export type { ClockSubject, SlaEvent } from './sla/events.ts';
export { observeFindings, observePublication } from './sla/observe.ts';
export type { ObservedFinding, Publication } from './sla/observe.ts';
export { slaProductOf, toObservedFinding } from './sla/observe-scan.ts';
export type { Overlay, OverlayRow, Risk } from './sla/overlay.ts';
export { describePolicy, SLA_POLICIES, toSlaPolicy, toSlaSeverity } from './sla/policy.ts';
export type { SlaPolicy, SlaSettings, SlaSeverity } from './sla/policy.ts';
export { forecastBreaches, reportSla } from './sla/report.ts';
export type { Forecast, SlaReport, TimeToFix } from './sla/report.ts';
export { formatSlaCsv } from './sla/report-csv.ts';
export { formatSlaHtml } from './sla/report-html.ts';
export type { ReportHeading } from './sla/report-html.ts';
export { sealedByKeys } from './sla/seal.ts';
export type { SealCheck } from './sla/seal.ts';
export { addDecision } from './vex/add-decision.ts';
export type { DecisionEntry } from './vex/add-decision.ts';
export { applyVex } from './vex/apply.ts';
export type { DecidedBy, VexJudgement, VexState, VexSubject } from './vex/apply.ts';
export type { Scope, VexDecision } from './vex/decision.ts';
export { DecisionError } from './vex/decision-error.ts';
export { MOST_REVIEW_DAYS, parseDecisions, readDecisions } from './vex/decision-file.ts';
export type { DecisionContext } from './vex/decision-file.ts';
export { buildVexDocument } from './vex/document.ts';
export type { DocumentOrigin, DocumentRequest } from './vex/document.ts';
export { formatOpenVex, toVexAttestation, VEX_JUSTIFICATIONS, VEX_STATUSES } from './vex/openvex.ts';
export type { VexDocument, VexJustification, VexProduct, VexStatement, VexStatus } from './vex/openvex.ts';
export type { VexImage } from './vex/products.ts';
export { toReachabilityDecision } from './vex/reachability-decision.ts';
export type { ReachabilityEvidence } from './vex/reachability-decision.ts';
export { parseOpenVex } from './vex/read-openvex.ts';
export { toVexSubjects } from './vex/scan-subjects.ts';
export type { ScannedSubject, ScannedTarget } from './vex/scan-subjects.ts';
export { formatTrivyIgnore } from './vex/trivy-ignore.ts';
