// SPDX-License-Identifier: Apache-2.0
import {
  type Refresh,
  type SeenFinding,
  type StoredImage,
  type StoredReport,
  type SubjectFilter,
  withStore,
} from '#store';
import {
  applyVex,
  buildVexDocument,
  clockKey,
  type DecidedBy,
  type FeedReading,
  type Feeds,
  type SlaReading,
  slaProductOf,
  toVexSubjects,
  type VexDocument,
  type VexState,
  withReachability,
} from '#vulnerabilities';
import { findReachability, reachabilityDecisions } from './reachability.ts';
import { readOwnClocks } from './sla-log.ts';
import { requireStore } from './store.ts';
import { openDecisions, type VexFlags } from './vex-decisions.ts';
import { VEX_NAMESPACE } from './vex-namespace.ts';
import type { World } from './world.ts';

/** How a finding stands: by VEX, but for what was decided to be so and is lived with (`affected`), which is `accepted`. */
export type FindingState = VexState | 'accepted';

/** A finding of a stored subject with all that is known of it now. */
export interface JudgedFinding {
  readonly report: StoredReport;
  readonly finding: SeenFinding;
  readonly state: FindingState;
  readonly decidedBy: DecidedBy | undefined;
  readonly clock: SlaReading | undefined;
}

/** What the store knows now. */
export interface JudgedStore {
  readonly refresh: Refresh;
  readonly feeds: readonly FeedReading[];
  readonly reports: readonly StoredReport[];
  readonly findings: readonly JudgedFinding[];
  readonly images: readonly StoredImage[];
  /** What was decided about these images; undefined where nothing was. */
  readonly document: VexDocument | undefined;
  /** Why the SLA clocks are not known. */
  readonly clockFault: string | undefined;
}

/**
 * Brings the store up to date with the feeds on disk, reads what is meant, and judges it by what is not in the store because it is in
 * files already or changes by itself: reachability, decisions and their review dates, the SLA log.
 */
export async function readJudgedStore(
  filter: SubjectFilter,
  { flags, feeds, world }: { readonly flags: VexFlags; readonly feeds: Feeds; readonly world: World },
): Promise<JudgedStore> {
  const now = world.clock.now();
  const { refresh, stored, images } = await withStore(await requireStore(world), async (store) => ({
    refresh: await store.refresh(feeds, now),
    stored: await store.reports(feeds, filter),
    images: await store.images(filter),
  }));
  const status = await feeds.status();
  const known = await findReachability(stored, world.stateFolder, world);
  const analysed = withReachability({ scannedAt: now, feeds: status, reports: stored }, known);
  const reports = analysed.reports as readonly StoredReport[]; // it adds to each, and drops nothing
  const document = await decidedAbout(images, flags, world);
  const { clocks, fault } = await readOwnClocks(flags, world);
  return {
    refresh,
    feeds: status,
    reports,
    images,
    document,
    findings: judge({ reports, images, document, clocks, now }),
    clockFault: fault,
  };
}

async function decidedAbout(
  images: readonly StoredImage[],
  flags: VexFlags,
  world: World,
): Promise<VexDocument | undefined> {
  const { decisions, vendor, now } = await openDecisions(flags, world);
  return buildVexDocument({
    decisions: [...decisions, ...(await reachabilityDecisions(images, world))],
    images,
    now,
    origin: { author: vendor, tooling: `oakum/${world.version}`, namespace: VEX_NAMESPACE },
  });
}

interface JudgeRequest {
  readonly reports: readonly StoredReport[];
  readonly images: readonly StoredImage[];
  readonly document: VexDocument | undefined;
  readonly clocks: readonly SlaReading[];
  readonly now: Date;
}

function judge({ reports, images, document, clocks, now }: JudgeRequest): readonly JudgedFinding[] {
  const byKey = new Map(clocks.map((clock) => [clockKey(clock), clock]));
  return reports.flatMap((report) => {
    const subjects = toVexSubjects(report, images);
    const judgements = applyVex(subjects, document === undefined ? [] : [document], now);
    const decided = new Map(judgements.map((one) => [one.finding.finding, one]));
    return report.findings.map((finding): JudgedFinding => {
      const { state = 'open', decidedBy } = decided.get(finding) ?? {};
      const isAccepted = decidedBy?.statement.status === 'affected';
      return {
        report,
        finding,
        state: isAccepted ? 'accepted' : state,
        decidedBy,
        clock: clockOf(report, finding, byKey),
      };
    });
  });
}

function clockOf(
  { image }: StoredReport,
  { ids }: SeenFinding,
  clocks: ReadonlyMap<string, SlaReading>,
): SlaReading | undefined {
  if (image === undefined) return undefined;
  const product = slaProductOf(image);
  return ids.flatMap((id) => clocks.get(clockKey({ product, vulnerability: id })) ?? [])[0];
}
